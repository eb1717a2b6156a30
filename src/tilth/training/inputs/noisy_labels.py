"""Tasks of whose labels many may be wrong, as cleaning found: what a model of them has to know beside the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth.samples import Origin, Task

_MANY = 0.13
"""Share of wrong labels from which on heads are stiff. Cleaning finds 0.14 to 0.23 with a fifth put in (messages, 30
intents), and 0.12 of 5,500 headlines' sentiment as it came, of which stiff heads cost a night 1.8 points."""
_ENOUGH = 25
"""Labels a class, at the mean, below which heads stay loose: with a fifth of the labels wrong and 15 a class, of
banking77, a stiff one has 0.755 of gold macro-F1 for a loose one's 0.813; with 32 a class, of 30 intents, it gains
two points."""


@dataclass(frozen=True, kw_only=True)
class NoisyLabels:
    """A task's labels as they arrived.

    What cleaning left is what its models agree with, so that it cannot tell which of two models is the better one; the
    labels as they arrived can, wrong ones and all.

    Attributes:
        codes: of the labels as they arrived, or as a person answered; −1 for none, shape (rows,).
        wrong: the share of them that is wrong, by cleaning's estimate.
        folds: each row's fold, shape (rows,).
    """

    codes: np.ndarray
    wrong: float
    folds: np.ndarray

    def likelihood(self, rows: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """How likely each row's label as it arrived is, by probabilities of the true one, shape (rows,).

        Args:
            rows: places of those rows, or a mask of them; each has a label.
            probabilities: of each class, shape (these rows, classes).
        """
        own = probabilities[np.arange(len(probabilities)), self.codes[rows]]
        return np.asarray((1 - self.wrong) * own + self.wrong * (1 - own) / max(probabilities.shape[1] - 1, 1))


def noisy_labels(frame: pd.DataFrame, task: Task, codes: np.ndarray, folds: np.ndarray) -> NoisyLabels | None:
    """A task's labels as they arrived, where many of them may be wrong; else None.

    Args:
        frame: the table.
        task: one of its tasks.
        codes: the labels in force, −1 where a row teaches nothing, shape (rows,).
        folds: each row's fold, shape (rows,).
    """
    if f"{task.name}_given_weight" not in frame:
        return None
    # As training weighs them: where hardly any may be wrong, what is doubted is but hard.
    weight = frame[f"{task.name}_given_weight"].astype(float).to_numpy()
    measured = (codes >= 0) & ~np.isnan(weight)
    if measured.sum() < _ENOUGH * len(np.unique(codes[measured])):
        return None
    if not measured.any() or (wrong := float(1 - weight[measured].mean())) < _MANY:
        return None
    answered = frame[f"{task.name}_origin"].eq(Origin.ANNOTATOR).to_numpy(dtype=bool)
    given = np.where(answered, codes, task.codes(frame[f"{task.name}_given"]))
    return NoisyLabels(codes=np.where(measured | answered, given, -1), wrong=wrong, folds=folds)
