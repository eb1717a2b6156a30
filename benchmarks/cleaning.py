"""How many wrong labels cleaning finds, and what is left of the harm: known noise in public data sets.

    python benchmarks/cleaning.py --data data/public
    python benchmarks/cleaning.py --data data/public --few 5 10 20    with so many labeled rows a class
    python benchmarks/cleaning.py --noise none confusable:0.4         with some of the kinds of noise

A finished cell (data set, labels a class, noise, seed) stands in `--cells`, and is not run again until that
folder goes.

`--data` holds `banking77/`, `clinc150/` and `sentfin/` as CSV files (see the README of this folder). What was tuned
was tuned on banking77 with the noise of seed 1; seeds here start from 10.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from tilth import samples as table
from tilth.cleaning import Config
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.config import EncoderConfig
from tilth.learn import Evidence, fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache, atomic

CONDITIONS = (
    ("none", 0.0),
    ("confusable", 0.1),
    ("confusable", 0.2),
    ("confusable", 0.4),
    ("uniform", 0.1),
    ("uniform", 0.2),
    ("uniform", 0.4),
    ("feature", 0.1),
    ("feature", 0.2),
    ("feature", 0.4),
)
FEW_CONDITIONS = (("none", 0.0), ("confusable", 0.2), ("uniform", 0.2))
COLUMNS = (
    "data set", "noise", "filter", "flagged", "precision", "recall", "F1", "AUROC", "AP", "gold macro-F1", "gap closed",
)  # fmt: skip
_GAP = 0.01
"""Macro-F1 that noise takes at least, for the share of it that is won back to mean something."""


@dataclass(frozen=True)
class Rows:
    """A data set with its clean labels as codes; `belief` is the linear probe's, out of fold, on the clean labels."""

    frame: pd.DataFrame
    task: Task
    truth: np.ndarray
    gold: tuple[list[str], list[str]]
    belief: np.ndarray


def read(name: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and gold rows with the columns `text` and `label`."""
    if name == "sentfin":
        whole = pd.read_csv(folder / name / "single_entity.csv").rename(columns={"sentiment": "label"})
        held = np.random.default_rng(0).random(len(whole)) < 0.2
        return whole[~held], whole[held]
    if name == "sms_spam_rules":
        parts = [pd.read_csv(folder / name / f"{part}.csv") for part in ("train", "test")]
        train, gold = (part.rename(columns={"v1": "label", "v2": "text"}) for part in parts)
        return train, gold
    column = {"banking77": "category", "clinc150": "intent"}[name]
    parts = [pd.read_csv(folder / name / f"{part}.csv").rename(columns={column: "label"}) for part in ("train", "test")]
    train, gold = (part[part["label"] != "oos"] for part in parts)
    return train, gold


def prepare(name: str, folder: Path, encoder: Encoder, cache: Cache, few: int = 0) -> Rows:
    """The table as cleaning gets it, and what the noise is made from; `few` rows of each class, or 0 for all."""
    train, gold = read(name, folder)
    if few:
        train = train.groupby("label").sample(few, random_state=0)
    frame = table_of(train["text"].astype(str).tolist(), train["label"].tolist())
    task = Task(name="label", labels=tuple(sorted(train["label"].unique())))
    truth = task.codes(frame["label_given"])
    evidence = evidence_of(frame, task, encoder, cache)
    belief = evidence.out_of_fold(task, frame["label_given"].tolist()).probabilities
    return Rows(frame, task, truth, (gold["text"].astype(str).tolist(), gold["label"].tolist()), belief)


def table_of(texts: list[str], labels: list[str]) -> pd.DataFrame:
    """Train rows as cleaning gets them."""
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts})
    frame["split"], frame["source"], frame["parent_id"] = "train", "input", None
    frame["status"], frame["reason"], frame["label_given"] = "active", None, labels
    return frame


def evidence_of(frame: pd.DataFrame, task: Task, encoder: Encoder, cache: Cache) -> Evidence:
    """Evidence on a table."""
    return Evidence(table.from_pandas(table.resolve(frame, [task]), [task]), encoder=encoder, cache=cache)


def noisy(rows: Rows, kind: str, rate: float, seed: int) -> np.ndarray:
    """Labels with errors: `confusable` as the class is mistaken, `uniform`, or `feature`, where the row is hard.

    Returns:
        Codes, shape (rows,).
    """
    rng, classes, truth = np.random.default_rng(seed), len(rows.task.labels), rows.truth
    others = rows.belief.astype(np.float64)
    others[np.arange(len(truth)), truth] = 0
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-12)
    chance = np.full(len(truth), rate)
    if kind == "confusable":
        mistaken = np.zeros((classes, classes))
        np.add.at(mistaken, truth, rows.belief)
        np.fill_diagonal(mistaken, 0)
        others = (mistaken / mistaken.sum(axis=1, keepdims=True))[truth]
    elif kind == "uniform":
        others = (np.arange(classes) != truth[:, None]) / (classes - 1)
    else:
        hard = np.argsort(np.argsort(-rows.belief[np.arange(len(truth)), truth])) / len(truth)
        chance = np.clip(2 * rate * hard, 0, 0.95)
        chance *= rate / chance.mean()
    drawn = np.minimum((rng.random((len(truth), 1)) > others.cumsum(axis=1)).sum(axis=1), classes - 1)
    return np.where(rng.random(len(truth)) < chance, drawn, truth)


def measure(flagged: np.ndarray, quality: np.ndarray, wrong: np.ndarray) -> list[float]:
    """Share flagged, precision, recall, F1, AUROC and AP; NaN where nothing is wrong."""
    if not wrong.any():
        return [float(flagged.mean()), *[float("nan")] * 5]
    right = (flagged & wrong).sum()
    return [
        float(flagged.mean()),
        float(right / max(flagged.sum(), 1)),
        float(right / wrong.sum()),
        float(f1_score(wrong, flagged)),
        float(roc_auc_score(wrong, -quality)),
        float(average_precision_score(wrong, -quality)),
    ]


def one(rows: Rows, encoder: Encoder, cache: Cache, kind: str, rate: float, seed: int) -> dict[str, list[float]]:
    """Every figure of one data set with one noise, by filter, but for the gap closed."""
    codes = noisy(rows, kind, rate, seed) if rate else rows.truth
    wrong, names = codes != rows.truth, np.array(rows.task.labels, dtype=object)
    frame = rows.frame.assign(label_given=names[codes])
    evidence = evidence_of(frame, rows.task, encoder, cache)
    vectors, gold = evidence.embeddings(), encoder.encode(rows.gold[0])

    def probe_score(kept: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        found = fit_predict(vectors[kept], labels[kept], gold, len(names), None if weights is None else weights[kept])
        return scores(rows.gold[1], names[found.argmax(axis=1)].tolist())["macro_f1"]

    everything = np.ones(len(codes), dtype=bool)
    belief = evidence.out_of_fold(rows.task, frame["label_given"].tolist()).probabilities.astype(np.float64)
    belief /= belief.sum(axis=1, keepdims=True)
    theirs = find_label_issues(codes, belief, n_jobs=1)
    found = {
        "none": [0.0, *[float("nan")] * 5, probe_score(everything, codes)],
        "cleanlab default": [
            *measure(theirs, belief[np.arange(len(codes)), codes], wrong),
            probe_score(~theirs, codes),
        ],
    }
    find_label_errors(frame, [rows.task], Config(), evidence, seed, find_conflicts(frame, [rows.task]))
    after = table.resolve(frame, [rows.task])
    kept = after["label"].notna().to_numpy()
    labels = rows.task.codes(after["label"])
    figures = measure(
        frame["is_label_issue"].to_numpy(dtype=bool), frame["label_quality"].fillna(1).to_numpy(dtype=float), wrong
    )
    weights = after["label_confidence"].fillna(0).clip(1e-3, 1).to_numpy(dtype=float)
    found["tilth"] = [*figures, probe_score(kept, labels, weights)]
    found["tilth, what it flags dropped"] = [
        *figures,
        probe_score(~frame["is_label_issue"].to_numpy(dtype=bool), codes),
    ]
    if rate:
        found["an oracle: just the wrong ones dropped"] = [
            *measure(wrong, 1.0 - wrong, wrong),
            probe_score(~wrong, codes),
        ]
    found["the true labels"] = [0.0, *[float("nan")] * 5, probe_score(everything, rows.truth)]
    return found


def _with_gap_closed(runs: list[dict[str, list[float]]]) -> list[dict[str, list[float]]]:
    """The runs, each way with the share that it wins back of what the noise took; NaN where that is next to nothing."""
    lost = [run["none"][-1] for run in runs]
    gaps = [run["the true labels"][-1] - low for run, low in zip(runs, lost, strict=True)]
    shown = np.median(gaps) >= _GAP
    return [
        {way: [*row, (row[-1] - low) / gap if shown else float("nan")] for way, row in run.items()}
        for run, low, gap in zip(runs, lost, gaps, strict=True)
    ]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77", "clinc150", "sentfin"])
    parser.add_argument("--few", type=int, nargs="*", default=[0], help="labeled rows a class (0: all there are)")
    parser.add_argument("--noise", nargs="+", type=_condition, help="none, or a kind:share")
    parser.add_argument("--cells", type=Path, default=Path("data/benchmarks/cleaning"))
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    cache = Cache(arguments.cells / "cache")
    encoder = Encoder(EncoderConfig(), cache)
    for name in arguments.sets:
        for few in arguments.few:
            rows = prepare(name, arguments.data, encoder, cache, few)
            for kind, rate in arguments.noise or (FEW_CONDITIONS if few else CONDITIONS):
                runs = []
                for seed in range(10, 10 + (arguments.seeds if rate else 1)):
                    file = arguments.cells / f"{name}-{few}-{kind}-{rate}-{seed}.json"
                    if not file.exists():
                        with atomic(file) as beside:
                            beside.write_text(json.dumps(one(rows, encoder, cache, kind, rate, seed)), encoding="utf-8")
                    runs.append(json.loads(file.read_text(encoding="utf-8")))
                shown = f"{name}, {few} a class" if few else name
                lines += _results.compared([shown, f"{kind} {rate:.0%}"], _with_gap_closed(runs))
        _write(arguments, arguments.sets[: arguments.sets.index(name) + 1], lines)


def _condition(text: str) -> tuple[str, float]:
    """`confusable:0.4` as a kind of noise and its share; `none` as no noise."""
    kind, _, rate = text.partition(":")
    if kind not in {"none", "confusable", "uniform", "feature"} or (kind == "none") == bool(rate):
        raise argparse.ArgumentTypeError(f"{text!r} is no noise; write none, or confusable, uniform or feature:share")
    return kind, float(rate or 0)


def _write(arguments: argparse.Namespace, sets: list[str], lines: list[list[str]]) -> None:
    """Put what is measured so far into its file of results, so that a run that is stopped keeps its whole data sets."""
    few, seeds = [size for size in arguments.few if size], arguments.seeds
    asked = f" --few {' '.join(map(str, few))}" if few else ""
    if arguments.noise:
        asked += f" --noise {' '.join(kind if not rate else f'{kind}:{rate}' for kind, rate in arguments.noise)}"
    text = (
        f"# Wrong labels found{' among few' if few else ''}\n\n"
        f"`python benchmarks/cleaning.py --sets {' '.join(sets)} --seeds {seeds}{asked}` "
        f"({_results.machine()})\n\n"
        f"Median over {seeds} seeds (smallest to largest). Gold macro-F1 is the linear probe's, trained on what each "
        "filter leaves; gap closed is the share won back of what the noise took from it, where that is a point or "
        "more. What was tuned was tuned on banking77; its own labels are wrong in places, which counts against "
        "precision.\n\n" + _results.table(COLUMNS, lines)
    )
    _results.write("cleaning_few" if few else "cleaning", text)


if __name__ == "__main__":
    main()
