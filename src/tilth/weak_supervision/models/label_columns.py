"""What weak supervision leaves behind: its columns, and the votes in a file of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.samples import Task


def write_labels(
    frame: pd.DataFrame, free: np.ndarray, task: Task, label: np.ndarray, confidence: np.ndarray, sure: np.ndarray
) -> None:
    """The label model's answers, as codes of shape (free rows,), into a frame that the caller owns."""
    weak = np.full(len(frame), None, dtype=object)
    probability = np.full(len(frame), np.nan, dtype=np.float32)
    weak[free] = task.decoded(np.where(sure, label, -1))
    probability[free] = confidence
    frame[f"{task.name}_weak"], frame[f"{task.name}_weak_confidence"] = weak, probability
