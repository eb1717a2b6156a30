"""Wording beside meaning in training, and texts out of scope: gold macro-F1, seconds, and what is rejected.

    python benchmarks/training_views.py --data data/public

The encoder stays as it is; nothing is exported but the heads' answers, in float. Rejection is measured on clinc150's
1,000 test rows out of scope, and on the rows of 19 of banking77's classes that are left out of training by the seed; no
such row is in training. Beside it the largest softmax probability, the energy of the logits (Liu et al. 2020) and the
cosine to the nearest training row (Sun et al. 2022). The weights of the two views, the threshold and the number of
prototypes were looked at on these sets; no constant follows a single one of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from cleaning import read
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence, new_probe
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.stage import Resources, perform
from tilth.store import Cache
from tilth.training import Config

COLUMNS = (
    "data set",
    "labels a class",
    "seeds",
    "meaning",
    "with wording",
    "difference, 95%",
    "calibration error",
    "s",
)
REJECTED = ("data set", "score", "AUROC", "in-scope accuracy at 90% rejected")
LEFT_OUT = 19


class NotExported:
    """The night's encoder without its folder, so that no model is exported."""

    def __init__(self, encoder: Encoder) -> None:
        self.fingerprint, self.encode, self.config = encoder.fingerprint, encoder.encode, encoder.config


def night(train: pd.DataFrame, gold: pd.DataFrame, other: list[str], wording: str, encoder: Any, home: Path) -> Any:
    """The stage's result on train and gold rows, and on texts without a label; and its table."""
    texts = [*train["text"].astype(str), *gold["text"].astype(str), *other]
    splits = ["train"] * len(train) + ["gold"] * len(gold) + ["unlabeled"] * len(other)
    labels = [*train["label"], *gold["label"], *[None] * len(other)]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "split": splits})
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["label_given"] = labels
    task = Task(name="label", labels=tuple(sorted(train["label"].unique())))
    samples = table.from_pandas(table.resolve(frame, [task]), [task])
    scratch = home / f"{time.monotonic_ns()}"
    scratch.mkdir()
    evidence = Evidence(samples, encoder=encoder, cache=Cache(home / "cache"))
    resources = Resources(tasks=(task,), seed=0, evidence=evidence, scratch=scratch)
    result = perform("training", samples, Config(mode="probe", wording=wording), resources)
    return result, table.to_pandas(result.samples)


def views(name: str, size: int, seeds: int, folder: Path, encoder: Any, home: Path) -> list[str]:
    """One line: a data set with so many labels a class (0 = all), by meaning and with wording."""
    train, gold = read(name, folder)
    found = []
    for seed in range(seeds if size else 1):
        some = train.groupby("label").sample(size, random_state=seed) if size else train
        alone, _ = night(some, gold, [], "never", encoder, home)
        begun = time.monotonic()
        both, _ = night(some, gold, [], "auto", encoder, home)
        seconds = time.monotonic() - begun
        scores = [one.metrics["gold"]["label"]["macro_f1"] for one in (alone, both)]
        found.append([*scores, scores[1] - scores[0], both.metrics["gold"]["label"]["calibration_error"], seconds])
        print(name, size, seed, found[-1], flush=True)
    meaning, pooled, gain, error, seconds = np.array(found).T
    spread = f"{gain.mean():+.3f}"
    if len(gain) > 1:
        low, high = np.percentile(
            [np.random.default_rng(s).choice(gain, len(gain)).mean() for s in range(999)], [2.5, 97.5]
        )
        spread += f" ({low:+.3f} to {high:+.3f})"
    columns = (*map(_results.shown, (meaning, pooled)), spread, _results.shown(error), f"{np.median(seconds):.0f}")
    return [name, str(size or "all"), str(len(found)), *columns]


def rejected(
    name: str, train: pd.DataFrame, gold: pd.DataFrame, other: list[str], encoder: Any, home: Path
) -> list[list[str]]:
    """Our score's AUROC and the accuracy that is left, beside three that need nothing but the vectors."""
    _, frame = night(train, gold, other, "auto", encoder, home)
    ours = frame["out_of_scope_score"].to_numpy()[len(train) :]
    right = (frame["label_predicted"].to_numpy()[len(train) :] == np.array([*gold["label"], *[None] * len(other)]))[
        : len(gold)
    ]
    known = encoder.encode(train["text"].astype(str).tolist())
    asked = encoder.encode([*gold["text"].astype(str), *other])
    probe = new_probe().fit(known, train["label"].to_numpy())
    scores = {
        "tilth: both views and prototypes": ours,
        "largest softmax probability": probe.predict_proba(asked).max(axis=1),
        "energy": logsumexp(probe.decision_function(asked), axis=1),
        "nearest training row": np.concatenate([(part @ known.T).max(axis=1) for part in np.array_split(asked, 20)]),
    }
    inside, lines = np.arange(len(asked)) < len(gold), []
    for score, values in scores.items():
        kept = values[: len(gold)] > np.quantile(values[len(gold) :], 0.9)
        lines.append([name, score, f"{roc_auc_score(inside, values):.3f}", f"{(kept & right).mean():.3f}"])
        print(lines[-1], flush=True)
    return lines


def out_of_scope(seeds: int, folder: Path, encoder: Any, home: Path) -> list[list[str]]:
    """The lines of both sets; banking77's with other classes left out for each seed."""
    test = pd.read_csv(folder / "clinc150" / "test.csv")
    outside = test.loc[test["intent"] == "oos", "text"].astype(str).tolist()
    lines = rejected("clinc150", *read("clinc150", folder), outside, encoder, home)
    train, gold = read("banking77", folder)
    for seed in range(seeds):
        left = np.random.default_rng(seed).choice(sorted(train["label"].unique()), LEFT_OUT, replace=False)
        some, held = (part[~part["label"].isin(left)] for part in (train, gold))
        outside = gold.loc[gold["label"].isin(left), "text"].astype(str).tolist()
        lines += rejected(f"banking77 without 19 classes, seed {seed}", some, held, outside, encoder, home)
    return lines


def main() -> None:
    """Run, print the tables, and put them into their file of results."""
    parser: argparse.ArgumentParser = _results.parser(__doc__, ["banking77:0,10,20", "clinc150:0,5,10", "sentfin:0"])
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        encoder = NotExported(Encoder(EncoderConfig(), Cache(arguments.cache or home / "embeddings")))
        lines = [
            views(name, int(size), arguments.seeds, arguments.data, encoder, home)
            for name, _, sizes in (entry.partition(":") for entry in arguments.sets)
            for size in sizes.split(",")
        ]
        outside = out_of_scope(min(arguments.seeds, 3), arguments.data, encoder, home)
    _results.write(
        "training_views",
        "# Wording beside meaning, and texts out of scope\n\n"
        f"`python benchmarks/training_views.py`, {_results.machine()}. Gold macro-F1, the median of the seeds "
        "(smallest to largest); a bootstrap interval of the mean difference over seeds; the expected calibration error "
        "with wording, over 15 bins of equally many gold rows; seconds of the whole stage with wording, nothing "
        "exported, the vectors at hand.\n\n"
        + _results.table(COLUMNS, lines)
        + "\n\n"
        + _results.table(REJECTED, outside),
    )


if __name__ == "__main__":
    main()
