"""Macro-F1 of predictions for the night's own labels, over all tasks, and how sure a difference of two is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.augmentation.selection.label_agreement import LabelAgreementModels
from tilth.learn import macro_f1, paired_bootstrap

_RESAMPLES = 400


def labeled_rows(tasks: Sequence[LabelAgreementModels]) -> np.ndarray:
    """Positions of the rows with a label for any task."""
    return np.flatnonzero(np.any([task.codes >= 0 for task in tasks], axis=0))


def mean_macro_f1(tasks: Sequence[LabelAgreementModels], predictions: Sequence[np.ndarray], rows: np.ndarray) -> float:
    """Macro-F1 of each task's predictions (all rows of the table) on `rows`, mean over the tasks with labels there."""
    scores = []
    for task, predicted in zip(tasks, predictions, strict=True):
        labeled = rows[task.codes[rows] >= 0]
        if len(labeled):
            scores.append(macro_f1(task.codes[labeled], predicted[labeled], task.classes))
    return float(np.mean(scores))


def difference_interval(
    tasks: Sequence[LabelAgreementModels], first: Sequence[np.ndarray], second: Sequence[np.ndarray], seed: int
) -> tuple[float, float]:
    """95% bootstrap interval of how far the `first` predictions score above the `second`.

    Rows are drawn, each with all its tasks: what one task gets wrong another often does too.
    """
    rows = labeled_rows(tasks)
    return paired_bootstrap(
        len(rows),
        lambda drawn: mean_macro_f1(tasks, first, rows[drawn]) - mean_macro_f1(tasks, second, rows[drawn]),
        resamples=_RESAMPLES,
        seed=seed,
    )
