"""Known errors, planted into the night's own labels, by which label filters are measured.

Planted rows are positives, all others are unlabeled: a share of them is wrong already. Which share, and so how
precise a filter is on the data as it is, follows from the two rates at which it flags them (Garg et al. 2021,
best bin estimation: where hardly any right label is flagged, unlabeled rows are flagged at the error rate times the
rate of the planted ones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

SHARE = 0.06
"""Share of the rows that is planted at once: few enough to leave the models as they are."""
_SCALE = 199  # thresholds that are tried
_HARD = 0.01
"""Share of right labels that models find as unlikely as a planted error: 0.3 to 1% were flagged in sets held to be
clean (benchmarks/cleaning.py, noise "none"). No score tells these from errors, so that they are taken off the rate."""
_STEADY = 0.5  # share of planted errors that a threshold must find before the error rate is read off it


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How well a filter finds errors in this data.

    Attributes:
        precision, recall, f1: estimates, 0 to 1.
        threshold: scores up to it are flagged; NaN for a filter that has none.
    """

    precision: float
    recall: float
    f1: float
    threshold: float = float("nan")


def confusion(codes: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """How this data's labels seem to go wrong: for each believed class the chances of the wrong labels.

    Counted from the rows whose label is not the most probable one, and smoothed by what models mistake for each
    other; float64, shape (classes, classes), rows sum to 1, the diagonal is 0.
    """
    classes = belief.shape[1]
    believed = belief.argmax(axis=1)
    counts, mistaken = np.zeros((classes, classes)), np.full((classes, classes), 1e-3)
    np.add.at(mistaken, believed, belief)
    doubted = believed != codes
    np.add.at(counts, (believed[doubted], codes[doubted]), 1.0)
    for matrix in (counts, mistaken):
        np.fill_diagonal(matrix, 0.0)
    whole = counts + mistaken / mistaken.sum(axis=1, keepdims=True)
    return np.asarray(whole / whole.sum(axis=1, keepdims=True))


def plant(codes: np.ndarray, belief: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels with errors of the data's own kind in some rows.

    Returns:
        The labels, shape (rows,), and a mask of the planted rows, shape (rows,).
    """
    # Among all rows, the hard ones too: a real error does not choose an easy row.
    chosen = rng.choice(len(codes), size=max(1, round(SHARE * len(codes))), replace=False)
    chances = confusion(codes, belief)[codes[chosen]].cumsum(axis=1)
    changed = codes.copy()
    changed[chosen] = np.minimum((rng.random(len(chosen))[:, None] > chances).sum(axis=1), belief.shape[1] - 1)
    planted = np.zeros(len(codes), dtype=bool)
    planted[chosen] = changed[chosen] != codes[chosen]
    return changed, planted


def error_rate(planted: np.ndarray, others: np.ndarray) -> float:
    """Share of wrong labels among the other rows, from scores in which low means wrong, each of shape (rows,)."""
    found, flagged = _rates(planted, others, _thresholds(planted))
    steady = found >= _STEADY
    if not steady.any() or not len(others):
        return 0.0
    # One standard error on either side keeps a lucky bin from deciding.
    upper = flagged + np.sqrt(flagged * (1 - flagged) / len(others))
    lower = np.maximum(found - np.sqrt(found * (1 - found) / len(planted)), 1e-9)
    best = int(np.argmin(np.where(steady, upper / lower, np.inf)))
    return float(np.clip(flagged[best] / found[best] - _HARD, 0.0, 1.0))


def measure(found: float, flagged: float, rate: float, threshold: float = float("nan")) -> Measured:
    """Precision, recall and F1 from the shares flagged of planted and of other rows, and the error rate.

    >>> measure(found=0.8, flagged=0.2, rate=0.2)
    Measured(precision=0.8, recall=0.8, f1=0.8, threshold=nan)
    """
    precision = min(1.0, rate * found / flagged) if flagged > 0 else 0.0
    f1 = 2 * precision * found / (precision + found) if precision + found > 0 else 0.0
    return Measured(precision=round(precision, 4), recall=round(found, 4), f1=round(f1, 4), threshold=threshold)


def best_threshold(planted: np.ndarray, others: np.ndarray, rate: float, min_precision: float) -> Measured:
    """The threshold of the largest F1 among those that are precise enough; threshold −1 (nothing) where none is."""
    thresholds = _thresholds(planted)
    found, flagged = _rates(planted, others, thresholds)
    every = [measure(r, f, rate, t) for r, f, t in zip(found, flagged, thresholds, strict=True)]
    precise = [measured for measured in every if measured.precision >= min_precision]
    return max(precise, key=lambda measured: measured.f1, default=measure(0.0, 0.0, rate, -1.0))


def chance_wrong(planted: np.ndarray, others: np.ndarray, rate: float, scores: np.ndarray) -> np.ndarray:
    """Probability that a label of each score is wrong, shape of `scores`: never higher for a higher score.

    Bayes' rule, with the ratio of the two densities from an isotonic fit.
    """
    x = np.concatenate([planted, others])
    y = np.concatenate([np.ones(len(planted)), np.zeros(len(others))])
    fit = IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y)
    share = np.clip(fit.predict(scores), 0.0, 1 - 1e-6)
    ratio = share / (1 - share) * (len(others) / max(len(planted), 1))
    return np.asarray(np.clip(rate * ratio, 0.0, 1.0))


def _thresholds(planted: np.ndarray) -> np.ndarray:
    return np.quantile(planted, np.linspace(0.01, 1.0, _SCALE)) if len(planted) else np.array([-1.0])


def _rates(planted: np.ndarray, others: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the planted and of the other rows at or below each threshold."""
    parts = [
        np.searchsorted(np.sort(scores), thresholds, side="right") / max(len(scores), 1) for scores in (planted, others)
    ]
    return parts[0], parts[1]
