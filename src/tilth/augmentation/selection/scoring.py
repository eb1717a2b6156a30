"""Macro-F1 of guesses at the night's own labels, over all tasks, and how sure a difference of two is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.augmentation.selection.label_agreement import TaskJudges

_DRAWS = 400  # of the bootstrap


def labeled(judges: Sequence[TaskJudges]) -> np.ndarray:
    """Positions of the rows with a label for any task."""
    return np.flatnonzero(np.any([found.codes >= 0 for found in judges], axis=0))


def score(judges: Sequence[TaskJudges], guesses: Sequence[np.ndarray], rows: np.ndarray) -> float:
    """Macro-F1 of each task's guesses (all rows of the table) on `rows`, mean over the tasks that have labels there."""
    asked = [rows[found.codes[rows] >= 0] for found in judges]
    return float(
        np.mean([
            macro_f1(found.codes[own], guess[own], len(found.task.labels))
            for found, guess, own in zip(judges, guesses, asked, strict=True)
            if len(own)
        ])
    )  # fmt: skip


def interval(
    judges: Sequence[TaskJudges], one: Sequence[np.ndarray], other: Sequence[np.ndarray], seed: int
) -> tuple[float, float]:
    """95% bootstrap interval of how far `one` scores above `other`.

    Rows are drawn, each with all its tasks: what one task gets wrong another often does too.
    """
    every, rng, differences = labeled(judges), np.random.default_rng(seed), []
    for _ in range(_DRAWS):
        drawn = every[rng.integers(len(every), size=len(every))]
        differences.append(score(judges, one, drawn) - score(judges, other, drawn))
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def macro_f1(truth: np.ndarray, guess: np.ndarray, classes: int) -> float:
    """Mean F1 over the classes of the truth.

    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3), 4)
    0.7333
    """
    right, size = overlap(truth, guess, classes)
    there = np.bincount(truth, minlength=classes) > 0
    return float((2 * right[there] / size[there]).mean())


def overlap(truth: np.ndarray, guess: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """For each class the right guesses, and the truths and guesses of it together: F1 is twice the one over the other.

    >>> overlap(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    (array([1, 2]), array([3, 5]))
    """
    right = np.bincount(truth[truth == guess], minlength=classes)
    return right, np.bincount(truth, minlength=classes) + np.bincount(guess, minlength=classes)
