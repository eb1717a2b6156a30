"""Calibrated probabilities: one temperature, fitted to held-out labels (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from tilth.samples import evenly_spaced

_MOST = 50_000
"""Rows that a temperature is fitted to at most, evenly spread: one number is known to a hundredth from so many."""
_BLOCK = 65_536
"""Rows whose probabilities are changed at a time, so that no more of them stand in memory twice."""


def calibrate(probabilities: np.ndarray, codes: np.ndarray, lowest: float = 0.2) -> float:
    """The temperature that makes held-out probabilities most likely (Guo et al. 2017), at most 5.

    Args:
        probabilities: shape (rows, classes).
        codes: the classes as they are labeled, shape (rows,).
        lowest: the smallest temperature.
    """
    rows = evenly_spaced(len(codes), _MOST)
    return fit_temperature(np.log(np.maximum(probabilities[rows], 1e-9)), codes[rows], lowest, 5.0)


def fit_temperature(logits: np.ndarray, codes: np.ndarray, low: float, high: float) -> float:
    """The number between `low` and `high` by which logits are divided to make the codes most likely.

    Args:
        logits: held-out scores of any scale, shape (rows, classes).
        codes: the classes as they are labeled, shape (rows,).
        low: the smallest temperature.
        high: the largest one.
    """
    if len(codes) < 20:  # too few to fit even one number
        return 1.0
    rows = evenly_spaced(len(codes), _MOST)
    logits, codes = logits[rows], codes[rows]

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature), axis=1)
        return float(-np.log(np.maximum(probabilities[np.arange(len(codes)), codes], 1e-6)).mean())

    best = minimize_scalar(loss, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(best.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities with their logits divided by a temperature, float32, same shape.

    >>> apply_temperature(np.array([[0.8, 0.2]]), 1.0).round(2).tolist()
    [[0.800000011920929, 0.20000000298023224]]
    """
    changed = np.empty(probabilities.shape, dtype=np.float32)
    for first in range(0, len(probabilities), _BLOCK):
        part = slice(first, first + _BLOCK)
        changed[part] = softmax(np.log(np.maximum(probabilities[part], 1e-9)) / temperature, axis=1)
    return changed
