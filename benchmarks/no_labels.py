"""No label at all: whole nights that start from what the classes are called.

    python benchmarks/no_labels.py --data data/public --seeds 3

A night of the command line on texts without a label, with the classes listed in `labels` and `data.class_names =
"always"`, its cache empty, else by the defaults: how many rows are labeled and how many of these rightly, and what the
exported model reaches on the gold rows of the set's test file. Beside it the usual way without a label: the class whose
name is nearest to a text by the same encoder. The names are the labels of the data sets, with spaces for underscores.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.learn import scores
from tilth.learn.class_names import name_in_words
from tilth.learn.encoder import Encoder
from tilth.store import Cache

LABELS = {"banking77": "category", "clinc150": "intent", "sentfin": "sentiment"}
COLUMNS = ("data set", "classes", "way", "rows labeled", "rightly", "gold macro-F1", "accuracy", "CPU s")


def rows_of(home: Path, name: str, count: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Some train rows and all gold rows of a set: text and label."""
    label = LABELS[name]
    if name == "sentfin":
        rows = pd.read_csv(home / name / "single_entity.csv").sample(frac=1, random_state=seed, ignore_index=True)
        gold, train = rows.head(2_000), rows.iloc[2_000:]
    else:
        train, gold = (pd.read_csv(home / name / f"{part}.csv") for part in ("train", "test"))
    columns = ({"text": part["text"], "label": part[label]} for part in (train, gold))
    train, gold = (pd.DataFrame(part).dropna().drop_duplicates("text") for part in columns)
    train = train[train["label"] != "oos"]  # clinc150's texts of no intent
    gold = gold[gold["label"].isin(set(train["label"])) & ~gold["text"].isin(train["text"])]
    return train.sample(min(count, len(train)), random_state=seed), gold


def by_nearest_name(classes: list[str], train: pd.DataFrame, gold: pd.DataFrame, cache: Path) -> list[float]:
    """The class whose name is nearest, by the default encoder."""
    before = _spent(resource.RUSAGE_SELF)
    encoder = Encoder(EncoderConfig(), Cache(cache))
    names = encoder.encode([name_in_words(name) for name in classes])
    said = [
        np.array(classes)[(encoder.encode(part["text"].tolist()) @ names.T).argmax(axis=1)] for part in (train, gold)
    ]
    found = scores(gold["label"].tolist(), said[1].tolist())
    right = float((said[0] == train["label"].to_numpy()).mean())
    return [1.0, right, found["macro_f1"], found["accuracy"], _spent(resource.RUSAGE_SELF) - before]


def by_a_night(classes: list[str], train: pd.DataFrame, gold: pd.DataFrame) -> list[float]:
    """A whole night; the share of rows labeled, of these rightly, the gold scores, and seconds of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        train[["text"]].to_csv(home / "train.csv", index=False)
        gold.to_csv(home / "gold.csv", index=False)
        (home / "tilth.toml").write_text(
            '[data]\ninput = ["train.csv"]\ngold = "gold.csv"\nclass_names = "always"\n\n'
            f'[[tasks]]\nname = "label"\nlabels = {json.dumps(classes)}\n',
            encoding="utf-8",
        )
        before = _spent(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "tilth.cli", "run", "--json"]
        done = subprocess.run(command, cwd=home, env={**os.environ}, check=True, stdout=subprocess.PIPE, text=True)
        record = json.loads(done.stdout)
        frame = pd.read_parquet(home / "data/runs" / record["run_id"] / "5-training.parquet")
        spent = _spent(resource.RUSAGE_CHILDREN) - before
    labeled = frame[frame["split"].ne("gold") & frame["label"].notna()]
    truth = train.drop_duplicates("text").set_index("text")["label"].reindex(labeled["text"])
    right = float((truth.to_numpy() == labeled["label"].to_numpy()).mean())
    measured = record["gold"]["label"]
    return [len(labeled) / len(train), right, measured["macro_f1"], measured["accuracy"], spent]


def _spent(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and write the page."""
    parser = _results.parser(__doc__, list(LABELS))
    parser.add_argument("--rows", type=int, default=3_000, help="texts without a label")
    parser.add_argument("--keep", type=Path, help="a folder for finished nights, which are not run again")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    for name in arguments.sets:
        runs = []
        for seed in range(arguments.seeds):
            train, gold = rows_of(arguments.data, name, arguments.rows, seed)
            classes = sorted(set(gold["label"]))
            part = f"{name} {arguments.rows} {seed}"
            with tempfile.TemporaryDirectory() as cache:
                nearest = _results.kept(
                    arguments.keep, f"{part} nearest", partial(by_nearest_name, classes, train, gold, Path(cache))
                )
            night = _results.kept(arguments.keep, f"{part} night", partial(by_a_night, classes, train, gold))
            runs.append({"the nearest name": nearest, "a night": night})
        lines += _results.compared([name, str(len(classes))], runs)
    said = (__doc__ or "").partition("--seeds 3")[2].strip()
    command = f"python benchmarks/no_labels.py --sets {' '.join(arguments.sets)} --seeds {arguments.seeds}"
    command += f" --rows {arguments.rows}"
    _results.write(
        "no_labels",
        f"# Without a label\n\n`{command}` ({_results.machine()})\n\n{said}\n\nMedian over the draws of the rows "
        f"(smallest to largest).\n\n{_results.table(COLUMNS, lines)}\n",
    )


if __name__ == "__main__":
    main()
