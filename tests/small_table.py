"""A small table, and an encoder that costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Task
from tilth.text import digest, normal_form


class HashingEncoder:
    """Bags of hashed words: texts that share words are near, and nothing is loaded."""

    fingerprint = "hashing-64"
    dimensions = 64

    def encode(self, texts: Sequence[str], progress: Any = None) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in normal_form(text).split() or [""]:
                vectors[row, int(digest(word)[:8], 16) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        return sum(len(normal_form(text).split()) for text in texts), 0


TASKS = (
    Task(name="area", labels=("billing", "network")),
    Task(
        name="intent",
        labels=("refund", "slow", "outage"),
        parent="area",
        parent_of={"refund": "billing", "slow": "network", "outage": "network"},
    ),
)

ROWS = [
    ("a1", "where is the refund that you promised me", "train", "billing", "refund"),
    ("a2", "my refund has not come back to the bank", "train", "billing", "refund"),
    ("a3", "refund still missing after two weeks", "train", "billing", "refund"),
    ("b1", "the internet is very slow in the evening", "train", "network", "slow"),
    ("b2", "slow internet and buffering again tonight", "train", "network", "slow"),
    ("b3", "why is my internet so slow at night", "train", "network", "slow"),
    ("c1", "no internet at all, the light is red", "train", "network", "outage"),
    ("c2", "red light on the box and no connection", "train", "network", "outage"),
    ("u1", "the refund is late and I am cross", "unlabeled", None, None),
    ("u2", "red light again", "unlabeled", None, None),
    ("g1", "has the refund been sent", "gold", "billing", "refund"),
    ("g2", "everything loads so slow", "gold", "network", "slow"),
]


def make_table(rows: Sequence[tuple[Any, ...]] = tuple(ROWS), tasks: Sequence[Task] = TASKS) -> Dataset:
    frame = pd.DataFrame(rows, columns=["id", "text", "split", "area_given", "intent_given"])
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    return table.from_pandas(table.resolve(frame, tasks), tasks)
