"""What weak supervision leaves behind: its columns, and the votes in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Task
from tilth.weak_supervision.ballots import Ballot
from tilth.weak_supervision.votes import ABSTAIN


def name_of(ballot: Ballot) -> str:
    """A function's name, with its task's before it."""
    return f"{ballot.function.task}.{ballot.function.name}"


def write_labels(
    frame: pd.DataFrame, free: np.ndarray, task: Task, label: np.ndarray, confidence: np.ndarray, sure: np.ndarray
) -> None:
    """The label model's answers, as codes of shape (free rows,), into a frame that the caller owns."""
    weak = np.full(len(frame), None, dtype=object)
    probability = np.full(len(frame), np.nan, dtype=np.float32)
    weak[free] = task.decoded(np.where(sure, label, -1))
    probability[free] = confidence
    frame[f"{task.name}_weak"], frame[f"{task.name}_weak_confidence"] = weak, probability


def write_votes(frame: pd.DataFrame, free: np.ndarray, ballots: Sequence[Ballot], scratch: Path) -> Path:
    """One row a row of the table and one int16 column a function, -1 where it abstains and on gold rows."""
    columns: dict[str, Any] = {"id": frame["id"].to_numpy(dtype=object)}
    for ballot in ballots:
        whole = np.full(len(frame), ABSTAIN, dtype=np.int16)
        whole[free] = ballot.column
        columns[name_of(ballot)] = whole
    path = scratch / "votes.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path
