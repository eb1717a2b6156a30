"""From votes to probabilities of labels: Snorkel's label model, or a majority where there are too few functions."""

from __future__ import annotations

import random

import numpy as np
import torch
from snorkel.labeling.model import LabelModel, MajorityLabelVoter

from tilth.evidence import calibrate, soften

PRIOR, PRIOR_VOTES = 0.8, 5
"""An unmeasured function is taken to be right 4 times in 5, worth five measured votes."""
FEWEST = 3


def accuracies(votes: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each function's accuracy where it votes on a labeled row, and on how many rows that was measured.

    Args:
        votes: shape (rows, functions), -1 abstains.
        truth: shape (rows,), -1 where no label is known.

    Returns:
        float64 accuracies (NaN where unmeasured) and int64 counts, both of shape (functions,).
    """
    told = (votes >= 0) & (truth >= 0)[:, None]
    count = told.sum(axis=0)
    right = (told & (votes == truth[:, None])).sum(axis=0)
    return np.where(count > 0, right / np.maximum(count, 1), np.nan), count


def smoothed(accuracy: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Accuracies drawn towards the prior where few votes were measured, shape (functions,)."""
    return np.asarray((np.nan_to_num(accuracy) * count + PRIOR * PRIOR_VOTES) / (count + PRIOR_VOTES))


def probabilities(votes: np.ndarray, truth: np.ndarray, classes: int, *, epochs: int, seed: int) -> np.ndarray:
    """Probabilities of the classes on rows that have at least one vote.

    With three functions or more Snorkel's label model (Ratner et al. 2019) weighs them, and one temperature,
    fitted on the labeled rows, makes its confidence honest. With fewer, the confidence is the majority's share
    of the votes times the smoothed accuracy of those who voted so.

    Args:
        votes: int, shape (rows, functions), -1 abstains.
        truth: int, shape (rows,), -1 where no label is known.
        classes: how many there are.
        epochs: steps of the fit.
        seed: of the fit.

    Returns:
        float32, shape (rows, classes).
    """
    prior = smoothed(*accuracies(votes, truth))
    if votes.shape[1] < FEWEST:
        return _majority(votes, prior, classes)
    found = _label_model(votes, prior, truth, classes, epochs, seed)
    told = truth >= 0
    return soften(found, calibrate(found[told], truth[told]))


def _majority(votes: np.ndarray, prior: np.ndarray, classes: int) -> np.ndarray:
    share = np.asarray(MajorityLabelVoter(cardinality=classes).predict_proba(votes))
    cast = votes[:, :, None] == np.arange(classes)
    trust = (cast * prior[None, :, None]).sum(axis=1) / np.maximum(cast.sum(axis=1), 1)
    known = share * trust
    left = 1 - known.sum(axis=1, keepdims=True)
    return np.asarray(known + left / classes, dtype=np.float32)


def _label_model(
    votes: np.ndarray, prior: np.ndarray, truth: np.ndarray, classes: int, epochs: int, seed: int
) -> np.ndarray:
    counts = np.bincount(truth[truth >= 0], minlength=classes) + 1.0
    threads = torch.get_num_threads()
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - snorkel seeds the global generators; they are put back
    try:
        torch.set_num_threads(1)  # two threads make the fit ten times slower
        with torch.random.fork_rng():
            model = LabelModel(cardinality=classes, verbose=False)
            model.fit(
                L_train=votes,
                class_balance=(counts / counts.sum()).tolist(),
                prec_init=prior.tolist(),
                n_epochs=epochs,
                seed=seed,
                progress_bar=False,
            )
            return np.asarray(model.predict_proba(votes))
    finally:
        torch.set_num_threads(threads)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
