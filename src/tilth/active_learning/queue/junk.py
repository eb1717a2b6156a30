"""How likely an active row is junk all the same: by a model of what was set aside for its text."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.active_learning.queue.candidates import askable
from tilth.learn import fit_predict
from tilth.samples import Reason, Split, Status, evenly_spaced

_REASONS = (Reason.JUNK, Reason.ANSWERED_JUNK, Reason.OUTLIER, Reason.LANGUAGE)
_FEWEST = 10
"""Rows set aside, by cleaning or by people, below which there is nothing to learn from."""
_MOST = 5000
"""Active rows that the model learns from at most: they set what its fit costs."""


def junk_probability(frame: pd.DataFrame, vectors: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Probability that a row is like those set aside rather than like the others, shape (rows,); 0 where unknown.

    Each active row is predicted by a linear probe that learned from other folds, both kinds of rows weighing alike.

    Args:
        frame: the table.
        vectors: of its rows, shape (rows, dimensions).
        folds: of its rows, shape (rows,).
    """
    aside = frame["status"].ne(Status.ACTIVE) & frame["reason"].isin(_REASONS) & frame["split"].ne(Split.GOLD)
    bad, active = np.flatnonzero(aside.to_numpy(dtype=bool)), np.flatnonzero(askable(frame))
    probability = np.zeros(len(frame))
    if len(bad) < _FEWEST or not len(active):
        return probability
    sample = active[evenly_spaced(len(active), _MOST)]
    for fold in np.unique(folds[active]):
        good = sample[folds[sample] != fold]
        if len(good):
            held_out = active[folds[active] == fold]
            labels = np.repeat([1, 0], [len(bad), len(good)])
            weights = np.repeat([len(good) / len(bad), 1.0], [len(bad), len(good)])
            learned = vectors[np.concatenate([bad, good])]
            probability[held_out] = fit_predict(learned, labels, vectors[held_out], 2, weights)[:, 1]
    return probability
