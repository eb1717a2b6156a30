"""Run folders of two nights whose differences are planted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.samples import Task

LABELS = ("card", "refund", "transfer", "fee", "limit")
TASK = Task(name="intent", labels=LABELS)
WRONG = 0.1
"""Share of gold rows that the model of every night gets wrong."""


def rows(count: int = 1000, *, first: int = 0, gold: int = 200, label: str | None = None) -> pd.DataFrame:
    """Train rows of five classes in turn (or one), and gold rows that the model answers, nine of ten rightly."""
    ids = [f"t{first + k}" for k in range(count)] + [f"g{k}" for k in range(gold)]
    found = pd.DataFrame({"id": ids, "text": [f"text of {one}" for one in ids]})
    found["split"] = ["train"] * count + ["gold"] * gold
    found["source"], found["parent_id"], found["status"], found["reason"] = "input", None, "active", None
    labels = [label or LABELS[k % 5] for k in range(count)] + [LABELS[k % 5] for k in range(gold)]
    found["intent_given"] = labels
    found["is_intent_issue"] = False
    found["intent_predicted"] = [
        LABELS[(LABELS.index(one) + (place % 10 == 9)) % 5] for place, one in enumerate(labels)
    ]
    return found


def votes(frame: pd.DataFrame, **functions: np.ndarray) -> pd.DataFrame:
    """The label matrix of a table; functions cast codes, one a row of it."""
    cast = {f"intent.{name}": np.where(frame["split"] == "gold", -1, codes) for name, codes in functions.items()}
    return pd.DataFrame({"id": frame["id"], **{name: codes.astype(np.int16) for name, codes in cast.items()}})


def codes(frame: pd.DataFrame) -> np.ndarray:
    """The given labels as codes."""
    return np.array([LABELS.index(one) for one in frame["intent_given"]])


def write(folder: Path, frame: pd.DataFrame, ballots: pd.DataFrame | None = None, **record: Any) -> Path:
    """Write a whole run's folder; its name is its id, and its start follows from that."""
    folder.mkdir(parents=True)
    store.write_table(folder / "5-training.parquet", table.from_pandas(table.resolve(frame, [TASK]), [TASK]))
    if ballots is not None:
        ballots.to_parquet(folder / "votes.parquet", index=False)
    base = {
        "run_id": folder.name,
        "status": "completed",
        "started": f"2026-01-{folder.name[-2:]}T02:00:00+00:00",
        "seconds": 100.0,
        "tilth": "0.1.0",
        "asked": ["cleaning", "weak_supervision", "training"],
        "config": {"seed": 0, "cleaning": {"policy": "auto"}},
        "tasks": [TASK.to_json()],
        "stages": [],
        "promoted": True,
    }
    store.write_json(folder / "run.json", {**base, **record})
    return folder
