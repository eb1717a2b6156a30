"""Known errors, injected into the night's own labels, by which label filters are measured.

Rows with an injected error are positives, all others are unlabeled: a share of them is wrong already. Which share, and
so how precise a filter is on the data as it is, follows from the two rates at which it flags them (Garg et al. 2021,
best bin estimation: where hardly any right label is flagged, unlabeled rows are flagged at the error rate times the
rate of the injected ones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

SHARE = 0.06
"""Share of the rows that gets an error at once: few enough to leave the models as they are."""
_SCALE = 199  # thresholds that are tried
_HARD = 0.01
"""Share of right labels that models find as unlikely as an injected error: 0.3 to 1% were flagged in sets held to be
clean (benchmarks/cleaning.py, noise "none"). No score separates these from errors, so they are taken off the rate."""
_STEADY = 0.5  # share of injected errors that a threshold must find before the error rate is read off it


@dataclass(frozen=True, kw_only=True)
class FilterScore:
    """How well a filter finds errors in this data.

    Attributes:
        precision, recall, f1: estimates, 0 to 1.
        threshold: scores up to it are flagged; NaN for a filter that has none.
    """

    precision: float
    recall: float
    f1: float
    threshold: float = float("nan")


def confusion(codes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """How this data's labels seem to go wrong: for each predicted class the probabilities of the wrong labels.

    Counted from the rows whose label is not the most probable one, and smoothed by which classes the models confuse;
    float64, shape (classes, classes), rows sum to 1, the diagonal is 0.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    counts, confused = np.zeros((classes, classes)), np.full((classes, classes), 1e-3)
    np.add.at(confused, predicted, probabilities)
    differ = predicted != codes
    np.add.at(counts, (predicted[differ], codes[differ]), 1.0)
    for matrix in (counts, confused):
        np.fill_diagonal(matrix, 0.0)
    whole = counts + confused / confused.sum(axis=1, keepdims=True)
    return np.asarray(whole / whole.sum(axis=1, keepdims=True))


def inject_noise(
    codes: np.ndarray, probabilities: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Labels with errors of the data's own kind in some rows.

    Returns:
        The labels, shape (rows,), and a mask of the rows that were changed, shape (rows,).
    """
    # Among all rows, the hard ones too: a real error does not choose an easy row.
    chosen = rng.choice(len(codes), size=max(1, round(SHARE * len(codes))), replace=False)
    cumulative = confusion(codes, probabilities)[codes[chosen]].cumsum(axis=1)
    noisy = codes.copy()
    noisy[chosen] = np.minimum((rng.random(len(chosen))[:, None] > cumulative).sum(axis=1), probabilities.shape[1] - 1)
    injected = np.zeros(len(codes), dtype=bool)
    injected[chosen] = noisy[chosen] != codes[chosen]
    return noisy, injected


def error_rate(injected: np.ndarray, others: np.ndarray) -> float:
    """Share of wrong labels among the other rows, from scores in which low means wrong, each of shape (rows,)."""
    recall, flagged = _rates(injected, others, _thresholds(injected))
    steady = recall >= _STEADY
    if not steady.any() or not len(others):
        return 0.0
    # One standard error on either side keeps a lucky bin from deciding.
    upper = flagged + np.sqrt(flagged * (1 - flagged) / len(others))
    lower = np.maximum(recall - np.sqrt(recall * (1 - recall) / len(injected)), 1e-9)
    best = int(np.argmin(np.where(steady, upper / lower, np.inf)))
    return float(np.clip(flagged[best] / recall[best] - _HARD, 0.0, 1.0))


def filter_score(recall: float, flagged: float, rate: float, threshold: float = float("nan")) -> FilterScore:
    """Precision, recall and F1 from the shares flagged of injected errors and of other rows, and the error rate.

    >>> filter_score(recall=0.8, flagged=0.2, rate=0.2)
    FilterScore(precision=0.8, recall=0.8, f1=0.8, threshold=nan)
    """
    precision = min(1.0, rate * recall / flagged) if flagged > 0 else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return FilterScore(precision=round(precision, 4), recall=round(recall, 4), f1=round(f1, 4), threshold=threshold)


def best_threshold(injected: np.ndarray, others: np.ndarray, rate: float, min_precision: float) -> FilterScore:
    """The threshold of the largest F1 among those that are precise enough; threshold −1 (nothing) where none is."""
    thresholds = _thresholds(injected)
    recall, flagged = _rates(injected, others, thresholds)
    every = [filter_score(r, f, rate, t) for r, f, t in zip(recall, flagged, thresholds, strict=True)]
    precise = [score for score in every if score.precision >= min_precision]
    return max(precise, key=lambda score: score.f1, default=filter_score(0.0, 0.0, rate, -1.0))


def probability_by_score(injected: np.ndarray, others: np.ndarray, rate: float, scores: np.ndarray) -> np.ndarray:
    """Probability that a label of each score is wrong, shape of `scores`: never higher for a higher score.

    Bayes' rule, with the ratio of the two densities from an isotonic fit.
    """
    x = np.concatenate([injected, others])
    y = np.concatenate([np.ones(len(injected)), np.zeros(len(others))])
    fit = IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y)
    share = np.clip(fit.predict(scores), 0.0, 1 - 1e-6)
    ratio = share / (1 - share) * (len(others) / max(len(injected), 1))
    return np.asarray(np.clip(rate * ratio, 0.0, 1.0))


def _thresholds(injected: np.ndarray) -> np.ndarray:
    return np.quantile(injected, np.linspace(0.01, 1.0, _SCALE)) if len(injected) else np.array([-1.0])


def _rates(injected: np.ndarray, others: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the injected and of the other rows at or below each threshold."""
    below = [np.searchsorted(np.sort(scores), thresholds, side="right") for scores in (injected, others)]
    return below[0] / max(len(injected), 1), below[1] / max(len(others), 1)
