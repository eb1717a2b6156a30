"""How far the labels may be wrong that a model is measured by.

Decisions are made by settled labels alone: those in doubt would decide for whatever cleaning took them for. But what
cleaning doubts is mostly what is hard, so that a score or a confidence of the other rows flatters: of 5,500 headlines a
quarter was in doubt, and a model that was right on 94% of the others was right on 83% of what was kept back. So a score
and a confidence count every labeled row, and each label for as much as it is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from tilth import samples as table
from tilth.learn import OutOfFold, apply_temperature
from tilth.samples import Task

_SOFTEST = 5.0
_MOST = 20_000
"""Rows that a factor is found by at most, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class LabelDoubt:
    """What is believed of a task's labels.

    Attributes:
        doubted: boolean, shape (rows,): labels that a person should look at, which decide nothing.
        codes: the label in force and the likeliest other one, −1 for none, shape (rows, 2).
        right: how probable each is, shape (rows, 2).
    """

    doubted: np.ndarray
    codes: np.ndarray
    right: np.ndarray

    @classmethod
    def none(cls, codes: np.ndarray) -> LabelDoubt:
        """Of labels that are all right; their codes, shape (rows,)."""
        right = np.column_stack([np.ones(len(codes)), np.zeros(len(codes))])
        codes = np.column_stack([codes, np.full(len(codes), -1)])
        return cls(doubted=np.zeros(len(codes), dtype=bool), codes=codes, right=right)

    def expected_scores(self, rows: np.ndarray, predicted: np.ndarray, classes: int) -> dict[str, float]:
        """Macro-F1 and accuracy that predictions have if the labels are as wrong as they are believed to be.

        Args:
            rows: places of those that are predicted, or a mask of them; each has a label.
            predicted: their class codes, shape (predicted rows,).
            classes: how many classes there are in all.
        """
        codes, right = self.codes[rows], self.right[rows]
        known = codes >= 0
        # What is left of a label's probability is spread evenly over the classes that are no candidates.
        others = np.maximum(classes - known.sum(axis=1), 1)
        rest = np.maximum(1 - right.sum(axis=1), 0) * (classes > known.sum(axis=1)) / others
        hits = np.where((codes == predicted[:, None]).any(axis=1), 0, rest)
        hits += (right * (codes == predicted[:, None])).sum(axis=1)
        correct = np.bincount(predicted, hits, minlength=classes)
        mass = rest.sum() + np.bincount(codes[known], (right - rest[:, None])[known], minlength=classes)
        size = mass + np.bincount(predicted, minlength=classes)
        present = np.bincount(codes[:, 0], minlength=classes) > 0
        return {
            "macro_f1": float((2 * correct[present] / size[present]).mean()),
            "accuracy": float(hits.sum() / len(predicted)),
        }

    def softening(self, out_of_fold: OutOfFold) -> float:
        """What a temperature is multiplied by that was fitted to settled labels as if each were right, 1 to 5.

        By it out-of-fold predictions of all labeled rows, in doubt or not, are on average as sure as they are expected
        to be right.
        """
        rows = np.flatnonzero((out_of_fold.labeled | self.doubted) & (self.codes[:, 0] >= 0))
        if not len(rows):
            return 1.0
        rows = rows[table.evenly_spaced(len(rows), _MOST)]
        probabilities = out_of_fold.probabilities[rows]
        aim = self.expected_scores(rows, probabilities.argmax(axis=1), probabilities.shape[1])["accuracy"]

        def excess(factor: float) -> float:
            return float(apply_temperature(probabilities, factor).max(axis=1).mean()) - aim

        if excess(1.0) <= 0:
            return 1.0
        return _SOFTEST if excess(_SOFTEST) >= 0 else float(brentq(excess, 1.0, _SOFTEST, xtol=1e-3))


def label_doubt(frame: pd.DataFrame, task: Task, codes: np.ndarray, doubted: np.ndarray) -> LabelDoubt:
    """What the table says of how far a task's labels are right.

    Args:
        frame: the table.
        task: one of its tasks.
        codes: the labels in force, −1 where a row teaches nothing, shape (rows,).
        doubted: as the attribute.
    """
    first = frame[f"{task.name}_confidence"].astype(float).fillna(1.0).clip(0, 1).to_numpy()
    other, second = np.full(len(frame), -1), np.zeros(len(frame))
    for kind in ("given", "suggested"):  # the latter stands where both are other ones
        if f"{task.name}_{kind}_confidence" not in frame:
            continue
        found = task.codes(frame[f"{task.name}_{kind}"])
        right = frame[f"{task.name}_{kind}_confidence"].astype(float).fillna(0.0).to_numpy()
        differs = (found >= 0) & (found != codes)
        other, second = np.where(differs, found, other), np.where(differs, right, second)
    return LabelDoubt(
        doubted=doubted,
        codes=np.column_stack([codes, other]),
        right=np.column_stack([first, np.minimum(second, 1 - first)]),
    )


def doubted_rows(frame: pd.DataFrame, task: str, propagated: np.ndarray) -> np.ndarray:
    """Boolean mask, shape (rows,), of the rows that are trained on with a label of theirs that is in doubt.

    Args:
        frame: the table.
        task: the name of one of its tasks.
        propagated: boolean, shape (rows,): rows whose label is a model's, and not theirs.
    """
    return np.asarray(table.learnable(frame, task) & table.unsure(frame, task) & ~propagated)
