"""Two models' answers to the same rows: macro-F1 of both, and the interval of their difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilth.learn.metrics.metrics import macro_f1, paired_bootstrap

RESAMPLES = 1000

Labels = Mapping[str, np.ndarray]
"""For each task, a label a row, None where there is none, shape (rows,)."""


@dataclass(frozen=True)
class Difference:
    """How far two models are apart.

    Attributes:
        ours, other: macro-F1 of each, averaged over the tasks.
        low, high: the 95% interval of `ours - other`.
    """

    ours: float
    other: float
    low: float
    high: float


def score(truth: Labels, answers: Labels) -> float:
    """Macro-F1 over the classes of the truth, averaged over the tasks whose rows have labels of two classes; else NaN.

    Args:
        truth: the true labels; a row without one does not count for the task.
        answers: what a model says.

    >>> row = np.array(["a", "a", "b", "b"], dtype=object)
    >>> round(score({"t": row}, {"t": np.array(["a", "b", "b", None], dtype=object)}), 4)
    0.5833
    """
    return _mean(_coded(truth, answers), None)


def difference(truth: Labels, ours: Labels, other: Labels, seed: int) -> Difference:
    """Both scores, and the interval of their difference by the paired bootstrap (percentiles).

    Rows are drawn with their answers of both models, so that what is hard for both moves neither apart.
    """
    first, second = (_coded(truth, answers) for answers in (ours, other))
    low, high = paired_bootstrap(
        len(next(iter(truth.values()))),
        lambda rows: _mean(first, rows) - _mean(second, rows),
        resamples=RESAMPLES,
        seed=seed,
    )
    return Difference(_mean(first, None), _mean(second, None), low, high)


def score_interval(truth: Labels, answers: Labels, seed: int) -> tuple[float, float]:
    """The 95% interval of one model's score by the bootstrap over the rows (percentiles)."""
    coded = _coded(truth, answers)
    rows = len(next(iter(truth.values())))
    return paired_bootstrap(rows, lambda drawn: _mean(coded, drawn), resamples=RESAMPLES, seed=seed)


def _coded(truth: Labels, answers: Labels) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Each task's truth and answers as places among the classes of the truth; -1 is no label, their number another."""
    pairs = []
    for task, labels in truth.items():
        places = {label: place for place, label in enumerate(sorted({label for label in labels if label is not None}))}
        if len(places) < 2:  # whoever answers anything else would be wrong: nothing is measured
            continue
        true = np.array([places.get(label, -1) for label in labels], dtype=np.int64)
        predicted = np.array([places.get(label, len(places)) for label in answers[task]], dtype=np.int64)
        pairs.append((true, predicted, len(places)))
    return pairs


def _mean(coded: list[tuple[np.ndarray, np.ndarray, int]], rows: np.ndarray | None) -> float:
    scores = []
    for true, predicted, classes in coded:
        chosen = true >= 0 if rows is None else rows[true[rows] >= 0]
        if len(true[chosen]):
            scores.append(macro_f1(true[chosen], predicted[chosen], classes + 1))
    return float(np.mean(scores)) if scores else float("nan")
