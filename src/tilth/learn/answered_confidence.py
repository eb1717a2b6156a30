"""Probabilities of labels, corrected by what people said of some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

UNSURE = 1.0
"""Standard deviation of the shift before anybody has answered: a model that is right nine times in ten may well be so
three times in four. A handful of answers then moves little, fifty nearly all that they say."""
_EDGE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """Probabilities as people's answers make them.

    Attributes:
        confidence: shape (rows,), NaN where there was none.
        checked: how many answers that rests on.
        right: how many of the labels they confirmed.
        expected: how many the model had expected.
        shift, low, high: by how much the log-odds moved, and its 95% interval.
    """

    confidence: np.ndarray
    checked: int
    right: int
    expected: float
    shift: float
    low: float
    high: float

    def metrics(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {name: round(getattr(self, name), 4) for name in ("expected", "shift", "low", "high")}
        return {"checked": self.checked, "right": self.right, **plain}


def correct_confidence(confidence: np.ndarray, checked: np.ndarray, right: np.ndarray) -> Corrected:
    """Move all log-odds by one number, the most probable one given the answers (Platt 1999, with a Gaussian prior).

    Args:
        confidence: the model's probabilities tonight, shape (rows,).
        checked: its probabilities of the labels that people looked at, when they did, shape (answers,).
        right: whether the label was right, boolean, shape (answers,).

    >>> even = correct_confidence(np.array([0.9]), np.full(10, 0.9), np.array([True] * 9 + [False]))
    >>> even.confidence.round(2).tolist(), round(abs(even.shift), 2)
    ([0.9], 0.0)
    """
    odds = logit(np.clip(checked.astype(float), _EDGE, 1 - _EDGE))
    count = float(right.sum())
    slope = lambda shift: float(count - expit(odds + shift).sum() - shift / UNSURE**2)  # noqa: E731 - of the log posterior
    shift = brentq(slope, -20, 20)
    spread = expit(odds + shift)
    error = 1 / np.sqrt((spread * (1 - spread)).sum() + UNSURE**-2)
    now = expit(logit(np.clip(confidence.astype(float), _EDGE, 1 - _EDGE)) + shift)
    return Corrected(
        confidence=now,
        checked=len(right),
        right=int(count),
        expected=float(checked.sum()),
        shift=float(shift),
        low=float(shift - 1.96 * error),
        high=float(shift + 1.96 * error),
    )
