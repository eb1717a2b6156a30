"""What the ledger says of stages that are known to help, to do nothing, or to harm.

    python benchmarks/ledger.py --data data/public --rows 3000 --seeds 3

banking77, cut to `--rows` train rows (the first of each class in an order that the seed draws); the gold rows are all
of its test file. Cleaning is the stage as a night runs it, on labels as they came and with 40% of them turned into
classes that are easily confused, or into any. Paraphrases are forced in: a used one of each row, made by dropping and
swapping words, once under the label of its own row and once under labels that were shuffled among the rows.

The decision is made on train rows; what gold says stands beside it, to hold the decision against. That two estimates
decide was settled in sight of one draw of 1,000 rows by the seed 10, which is among the seeds here.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _results
import cleaning
import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import ledger
from tilth import samples as table
from tilth import stage as stages
from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.ledger import Measurement, Verdict
from tilth.samples import Task
from tilth.store import Cache

FOLDS = 5
NOISE = (
    ("cleaning, labels as they are", "none", 0.0),
    ("cleaning, 40% turned into confusable classes", "confusable", 0.4),
    ("cleaning, 40% turned into any class", "uniform", 0.4),
)
PARAPHRASES = (("paraphrases under their own labels", False), ("paraphrases under shuffled labels", True))
COLUMNS = ("what is measured", "train: without", "with", "difference", "as given", "left out", "gold: without", "with",
           "difference", "seconds")  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """What every case needs."""

    encoder: Encoder
    cache: Cache
    gold: pd.DataFrame

    def vectors(self, frame: pd.DataFrame) -> np.ndarray:
        """Embeddings of a table's rows."""
        return self.encoder.encode(frame["text"].tolist())


def rows_of(train: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """So many train rows, as many of each class as can be."""
    shuffled = train.sample(frac=1, random_state=seed)
    rank = shuffled.groupby("label").cumcount()
    return shuffled.iloc[np.argsort(rank.to_numpy(), kind="stable")[:count]].reset_index(drop=True)


def frame_of(rows: pd.DataFrame, split: str) -> pd.DataFrame:
    """Rows as a night's input holds them."""
    frame = pd.DataFrame({"id": [f"{split}{k}" for k in range(len(rows))], "text": rows["text"].astype(str).tolist()})
    frame["split"], frame["source"], frame["parent_id"] = split, "input", None
    frame["status"], frame["reason"], frame["label_given"] = "active", None, rows["label"].tolist()
    return frame


def cleaned(samples: Dataset, task: Task, bench: Bench, seed: int, scratch: Path) -> Dataset:
    """The table that cleaning hands on."""
    evidence = Evidence(samples, encoder=bench.encoder, cache=bench.cache, folds=FOLDS)
    resources = stages.Resources(tasks=(task,), seed=seed, evidence=evidence, scratch=scratch)
    return stages.perform("cleaning", samples, stages.get("cleaning").Config(), resources).samples


def paraphrased(frame: pd.DataFrame, task: Task, seed: int, *, shuffled: bool) -> pd.DataFrame:
    """The table with a used paraphrase of each train row: a word fewer, and two in each other's place."""
    draw = np.random.default_rng(seed)
    train = frame[frame["split"] == "train"]
    parents = train["id"].to_numpy()
    more = train.assign(
        id=train["id"] + "~1",
        text=[_reworded(text, draw) for text in train["text"]],
        source="paraphrase",
        parent_id=draw.permutation(parents) if shuffled else parents,
        label_given=None,
        used=True,
        accepted=True,
    )
    both = pd.concat([frame, more], ignore_index=True)
    both["weight"] = np.where(both["split"] == "train", 0.5, np.nan)
    return table.resolve(both, [task])


def _reworded(text: str, draw: np.random.Generator) -> str:
    words = text.split()
    if len(words) > 3:
        words.pop(int(draw.integers(len(words))))
    if len(words) > 1:
        place = int(draw.integers(len(words) - 1))
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def measured(
    name: str, before: pd.DataFrame, after: pd.DataFrame, task: Task, bench: Bench, seed: int
) -> tuple[Measurement, Measurement, float]:
    """On train rows, on gold, and the processor's seconds of the former, embeddings ready."""
    vectors = bench.vectors(after)
    started = time.process_time()
    train = ledger.measure_on_train_rows(before, after, [task], vectors, folds=FOLDS, seed=seed)
    seconds = time.process_time() - started
    frames = {"input": before, name: after}
    return train, ledger.measure_on_gold(frames, [task], vectors, seed=seed)[name], seconds


def cases(rows: pd.DataFrame, bench: Bench, seed: int) -> dict[str, tuple[Measurement, Measurement, float]]:
    """Every case of one seed."""
    task = Task(name="label", labels=tuple(sorted(rows["label"].unique())))
    whole = pd.concat([frame_of(rows, "train"), frame_of(bench.gold, "gold")], ignore_index=True)
    clean = table.resolve(whole, [task])
    evidence = Evidence(table.from_pandas(clean, [task]), encoder=bench.encoder, cache=bench.cache, folds=FOLDS)
    count = len(rows)
    belief = evidence.out_of_fold(task, whole["label_given"].tolist()).probabilities[:count]
    given = cleaning.Rows(whole.head(count), task, task.codes(rows["label"]), ([], []), belief)
    found = {}
    for words, kind, rate in NOISE:
        codes = cleaning.noisy(given, kind, rate, seed) if rate else given.truth
        turned = whole.copy()
        turned.loc[: count - 1, "label_given"] = np.array(task.labels, dtype=object)[codes]
        before = table.from_pandas(table.resolve(turned, [task]), [task])
        scratch = Path(tempfile.mkdtemp())
        after = cleaned(before, task, bench, seed, scratch)
        shutil.rmtree(scratch)
        found[words] = measured("cleaning", table.to_pandas(before), table.to_pandas(after), task, bench, seed)
        print(seed, words, found[words], flush=True)
    for words, shuffled in PARAPHRASES:
        after_frame = paraphrased(clean, task, seed, shuffled=shuffled)
        found[words] = measured("augmentation", clean, after_frame, task, bench, seed)
        print(seed, words, found[words], flush=True)
    return found


def line(words: str, found: Sequence[tuple[Measurement, Measurement, float]]) -> list[str]:
    """One line of the table, over the seeds."""
    parts: list[Any] = [words]
    for which in (0, 1):
        entries = [one[which].to_json() for one in found]
        for name in ("without", "with", "difference"):
            values = [float("nan") if entry[name] is None else entry[name] for entry in entries]
            parts.append(_results.shown(values) or "the same")
        if which == 0:
            given = [one[0].by_given.to_json()["difference"] if one[0].by_given else float("nan") for one in found]
            parts.append(_results.shown(given) or "the same")
            parts.append(f"{sum(one[0].verdict is Verdict.HARMS for one in found)} of {len(found)}")
    return [*parts, f"{np.median([one[2] for one in found]):.0f}"]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--cache", type=Path, help="a folder where embeddings stay from run to run")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    train, gold = cleaning.read("banking77", arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(arguments.cache or Path(folder))
        bench = Bench(Encoder(EncoderConfig(), cache), cache, gold)
        runs = [cases(rows_of(train, arguments.rows, seed), bench, seed) for seed in range(10, 10 + arguments.seeds)]
    lines = [line(words, [run[words] for run in runs]) for words in runs[0]]
    _results.write(
        "ledger",
        f"# What the ledger says of stages that help, do nothing, or harm\n\n`python benchmarks/ledger.py --rows "
        f"{arguments.rows} --seeds {arguments.seeds}` ({_results.machine()})\n\n"
        f"{arguments.rows} train rows and all gold rows of banking77; the median of {arguments.seeds} seeds, with the "
        "smallest and the largest. Macro-F1 of the linear probe: *train* is cross-validated on train rows, by the "
        "labels that both tables hold, and *as given* by all labels as they came; together they decide (left out where "
        "the 95% interval of one difference lies below zero and that of the other not above). *gold* is measured on "
        "the gold rows, with the stage and without it. Processor seconds of the decision, embeddings "
        "ready.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
