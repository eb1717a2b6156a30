"""Does the answer to a row survive its paraphrases, and is a row whose answer does not one that a person should see?

    make demo && python benchmarks/paraphrase_flips.py [--run data/runs/ID]

Of a night's folder (by default the newest one in `data/runs`), for each task: five linear probes of the encoder's
vectors, each fitted to the rows with a label of four folds, answer the rows of the fifth and their accepted
paraphrases, of which no model has learned. A row flips where one of its paraphrases gets another answer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.learn import new_probe
from tilth.learn.encoder import Encoder
from tilth.store import Cache, read_json
from tilth.text import fold_of

COLUMNS = ("task", "pairs", "answered alike", "rows", "that flip", "of these the answer is not the label",
           "of the others it is not", "all rows with a label: the answer is not")  # fmt: skip
_FOLDS = 5


def answers(frame: pd.DataFrame, task: str, vectors: np.ndarray) -> np.ndarray:
    """Each row's answer by a probe that learned neither from it nor from its source, object, shape (rows,)."""
    written = frame["source"].eq("input").to_numpy()
    known = written & frame["split"].eq("train") & frame["status"].eq("active") & frame[task].notna()
    family = frame["parent_id"].where(~written, frame["id"])
    fold, labels = np.array([fold_of(row, _FOLDS) for row in family]), frame[task].to_numpy(dtype=object)
    found = np.empty(len(frame), dtype=object)
    for number in range(_FOLDS):
        mine, learned = fold == number, known.to_numpy() & (fold != number)
        found[mine] = new_probe().fit(vectors[learned], labels[learned].astype(str)).predict(vectors[mine])
    return found


def line_of(frame: pd.DataFrame, task: str, vectors: np.ndarray) -> list[object]:
    """A task's line of the table."""
    answer, place = answers(frame, task, vectors), pd.Series(range(len(frame)), index=frame["id"])
    drawn = frame["source"].eq("paraphrase") & frame["accepted"].eq(True) & frame[task].notna()
    children = np.flatnonzero(drawn)
    parents = place[frame["parent_id"].iloc[children]].to_numpy()
    alike = answer[children] == answer[parents]
    wrong = (answer != frame[task].to_numpy(dtype=object)) & frame[task].notna().to_numpy()
    flips, rows = np.unique(parents[~alike]), np.unique(parents)
    others = np.setdiff1d(rows, flips)
    labeled = frame["source"].eq("input").to_numpy() & frame["split"].eq("train").to_numpy()
    labeled &= frame["status"].eq("active").to_numpy() & frame[task].notna().to_numpy()
    return [
        task, len(children), f"{alike.mean():.3f}", len(rows), len(flips),
        *(f"{int(wrong[some].sum())} of {len(some)}" for some in (flips, others)), f"{wrong[labeled].mean():.3f}",
    ]  # fmt: skip


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a night's folder; by default the newest one in data/runs")
    run = parser.parse_args().run or max(path.parent for path in Path("data/runs").glob("2*/run.json"))
    frame = pd.read_parquet(run / "3-augmentation.parquet")
    frame = frame[frame["split"].ne("gold") & (frame["source"].eq("input") | frame["accepted"].eq(True))]
    frame = frame.reset_index(drop=True)
    vectors = Encoder(EncoderConfig(), Cache(run.parents[1] / "cache")).encode(frame["text"].tolist())
    lines = [line_of(frame, task["name"], vectors) for task in read_json(run / "run.json")["tasks"]]
    _results.write(
        "paraphrase_flips",
        "# Answers that a paraphrase changes\n\n"
        f"`make demo && python benchmarks/paraphrase_flips.py` ({_results.machine()})\n\n"
        "Linear probes of vectors, five folds: no model has learned from the row or from its paraphrases. A label is "
        "the one in force after cleaning and weak supervision.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
