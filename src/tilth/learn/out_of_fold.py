"""Predictions for each row by models that did not learn from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """What models say of each row that did not learn from it.

    Attributes:
        probabilities: float32, shape (rows, labels), calibrated by one temperature; columns in `task.labels` order.
        labeled: boolean, shape (rows,): the rows whose label took part (each judged by a model without it; the
            others are judged by the mean of all fold models, or by one of all labels).
        temperature: what the logits were divided by; 1 = the models were calibrated as they came.
    """

    probabilities: np.ndarray
    labeled: np.ndarray
    temperature: float

    @property
    def confidence(self) -> np.ndarray:
        """Each row's largest probability, shape (rows,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def predicted(self) -> np.ndarray:
        """Each row's most probable class, as an index, shape (rows,)."""
        return np.asarray(self.probabilities.argmax(axis=1))


def knowable(codes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The labeled rows that models of the other folds could get right: those folds hold a label of their class.

    Args:
        codes: classes, -1 for none, shape (rows,).
        folds: each row's fold, shape (rows,).

    >>> knowable(np.array([0, 0, 1, -1]), np.array([0, 1, 0, 1])).tolist()
    [True, True, False, False]
    """
    held = np.zeros((codes.max(initial=0) + 1, folds.max(initial=0) + 1), dtype=np.int64)
    told = codes >= 0
    np.add.at(held, (codes[told], folds[told]), 1)
    return told & (held.sum(axis=1)[codes] > held[codes, folds])
