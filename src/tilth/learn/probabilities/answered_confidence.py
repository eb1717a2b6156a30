"""Probabilities of labels, corrected by what people said of some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
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
    center, spread = logistic_posterior(np.ones((len(odds), 1)), odds, right, np.array([UNSURE]))
    shift, error = float(center[0]), float(np.sqrt(spread[0, 0]))
    now = expit(logit(np.clip(confidence.astype(float), _EDGE, 1 - _EDGE)) + shift)
    return Corrected(
        confidence=now,
        checked=len(right),
        right=int(right.sum()),
        expected=float(checked.sum()),
        shift=shift,
        low=shift - 1.96 * error,
        high=shift + 1.96 * error,
    )


def logistic_posterior(
    features: np.ndarray, offset: np.ndarray, outcomes: np.ndarray, unsure: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weights by which answers of people correct log-odds, by Laplace's approximation.

    A logistic regression (Platt 1999) with a Gaussian prior around zero, which leaves the log-odds as they are.

    Args:
        features: what the weights multiply, shape (answers, weights).
        offset: log-odds before any correction, shape (answers,).
        outcomes: what people said, boolean, shape (answers,).
        unsure: standard deviation of each weight before anybody has answered, shape (weights,).

    Returns:
        Mean and covariance of the weights, shapes (weights,) and (weights, weights).
    """
    precision = np.diag(unsure**-2.0)

    def loss(weights: np.ndarray) -> float:
        odds = offset + features @ weights
        return float(np.logaddexp(0, odds).sum() - odds @ outcomes + weights @ precision @ weights / 2)

    def slope(weights: np.ndarray) -> np.ndarray:
        return np.asarray(features.T @ (expit(offset + features @ weights) - outcomes) + precision @ weights)

    def curvature(weights: np.ndarray) -> np.ndarray:
        chance = expit(offset + features @ weights)
        return np.asarray((features * (chance * (1 - chance))[:, None]).T @ features + precision)

    # Convex, so that there is one minimum; the trust region keeps Newton's steps from leaping over it.
    start = np.zeros(len(unsure))
    best = minimize(loss, start, jac=slope, hess=curvature, method="trust-exact", options={"gtol": 1e-8}).x
    return np.asarray(best), np.linalg.inv(curvature(best))
