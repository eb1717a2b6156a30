"""The columns that weak supervision writes for a task."""

from __future__ import annotations

import numpy as np

from tilth.samples import Task


def weak_label_columns(
    size: int, rows: np.ndarray, task: Task, codes: np.ndarray, confidence: np.ndarray, sure: np.ndarray
) -> dict[str, np.ndarray]:
    """The label model's answers as columns of the whole table.

    Args:
        size: rows of the whole table.
        rows: positions in it that the model was applied to.
        task: whose labels.
        codes: the labels, shape (rows,).
        confidence: their probabilities, shape (rows,).
        sure: on which rows the label is kept, boolean, shape (rows,).
    """
    labels = np.full(size, None, dtype=object)
    probabilities = np.full(size, np.nan, dtype=np.float32)
    labels[rows] = task.decoded(np.where(sure, codes, -1))
    probabilities[rows] = confidence
    return {f"{task.name}_weak": labels, f"{task.name}_weak_confidence": probabilities}
