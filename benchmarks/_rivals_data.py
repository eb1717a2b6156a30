"""The rows that tilth and its rivals start from: a CSV with wrong and missing labels, and its gold rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _rivals_peers import BANKING, SPAM
from cleaning import Rows, evidence_of, noisy, read, table_of

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache

WRONG, MISSING = 0.2, 0.5


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Rows with their true labels, the labels that they are given, and gold rows.

    Attributes:
        rows: `text`, `truth` and `label`, in which a missing label is an empty string.
        gold: `text` and `label`.
    """

    rows: pd.DataFrame
    gold: pd.DataFrame


def write_rows(name: str, data: Path, count: int, seed: int, target: Path) -> Drawn:
    """Draw the rows, and write `rows.csv`, `gold.csv` `truth.csv` and, of messages, `rule.txt`.

    A fifth of the labels is another class's: as one class is mistaken for another by a linear probe that learned the
    true labels (`confusable` in `cleaning.py`). Half of all labels is then taken away, drawn evenly.

    Args:
        name: of the set.
        data: the folder of the public data.
        count: rows that are drawn; all where there are no more.
        seed: of every draw; gold rows are always all of them.
        target: the folder that is written to.
    """
    train, gold = _parts(name, data)
    train = train.sample(min(count, len(train)), random_state=seed).reset_index(drop=True)
    given = noisy(_with_belief(train, target / "drawing"), "confusable", WRONG, seed)
    labels = np.array(sorted(train["label"].unique()), dtype=object)
    rows = pd.DataFrame({"text": train["text"], "truth": train["label"], "label": labels[given]})
    rows.loc[rows.sample(frac=MISSING, random_state=seed).index, "label"] = ""
    rows[["text", "label"]].to_csv(target / "rows.csv", index=False)
    rows[["text"]].assign(label=rows["truth"]).to_csv(target / "truth.csv", index=False)
    gold.to_csv(target / "gold.csv", index=False)
    if name == SPAM:
        rules = (data / SPAM / "rule.txt").read_text(encoding="latin-1")
        (target / "rule.txt").write_text(rules, encoding="utf-8")
    return Drawn(rows=rows, gold=gold)


def _parts(name: str, data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All train and gold rows of a set: `text` and `label`."""
    if name == BANKING:
        domains = {"banking", "credit_cards"}
        parts = [part[part["domain"].isin(domains)] for part in read("clinc150", data)]
        train, gold = (part[["text", "label"]].reset_index(drop=True) for part in parts)
        return train, gold
    files = [pd.read_csv(data / SPAM / f"{part}.csv", encoding_errors="replace") for part in ("train", "valid", "test")]
    train, valid, test = (file.rename(columns={"v1": "label", "v2": "text"})[["text", "label"]] for file in files)
    return train, pd.concat([valid, test], ignore_index=True)


def _with_belief(train: pd.DataFrame, home: Path) -> Rows:
    """The rows as the noise wants them, with what a linear probe believes of the true labels, out of fold."""
    cache = Cache(home)
    frame = table_of(train["text"].astype(str).tolist(), train["label"].tolist())
    task = Task(name="label", labels=tuple(sorted(train["label"].unique())))
    evidence = evidence_of(frame, task, Encoder(EncoderConfig(), cache), cache)
    belief = evidence.out_of_fold(task, frame["label_given"].tolist()).probabilities
    return Rows(frame, task, task.codes(frame["label_given"]), ([], []), belief)


RULES = '''"""The rules that come with the messages, as labeling functions: label, regular expression, example."""

import re
from pathlib import Path

from snorkel.labeling import labeling_function

FILES = ("rule.txt",)


def _rule(number, label, expression):
    compiled = re.compile(expression)

    @labeling_function(name=f"rule_{number}")
    def rule(x):
        return label if compiled.search(x.text) else -1

    return rule


for _number, _line in enumerate(Path(__file__).with_name("rule.txt").read_text(encoding="utf-8").splitlines()):
    _label, _expression, _ = _line.split("\\t", 2)
    globals()[f"rule_{_number}"] = _rule(_number, _label, _expression)
'''
"""What a person writes of the rules: a file of a workspace's `labeling_functions/`, beside `rule.txt`."""
