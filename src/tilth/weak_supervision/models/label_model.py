"""From votes alone to probabilities of labels: Snorkel's label model, and the majority."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

PRIOR, PRIOR_VOTES = 0.8, 5
"""An unmeasured function is taken to be right 4 times in 5, worth five measured votes."""
FEWEST = 3
LARGEST_MATRIX = 200_000_000
"""Cells of the matrix of rows by functions and classes up to which Snorkel's model is fitted unless it is named: it
holds them in eight bytes each, more than once."""
LARGEST = 1500
"""Functions times classes up to which Snorkel's model is fitted unless it is named: it holds a square matrix of that
side, and a dense one of that width with a line for each row. A fit takes 2 s on one core at 400, 20 s at 1,500 and 12
minutes at 6,000, with 8,000 rows."""


def measure_accuracies(votes: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each function's accuracy where it votes on a labeled row, and on how many rows that was measured.

    Args:
        votes: shape (rows, functions), -1 abstains.
        truth: shape (rows,), -1 where no label is known.

    Returns:
        float64 accuracies (NaN where unmeasured) and int64 counts, both of shape (functions,).
    """
    measured = (votes >= 0) & (truth >= 0)[:, None]
    count = measured.sum(axis=0)
    right = (measured & (votes == truth[:, None])).sum(axis=0)
    return np.where(count > 0, right / np.maximum(count, 1), np.nan), count


def smooth_accuracies(accuracy: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Accuracies shrunk towards the prior where few votes were measured, shape (functions,)."""
    return np.asarray((np.nan_to_num(accuracy) * count + PRIOR * PRIOR_VOTES) / (count + PRIOR_VOTES))


def function_trust(votes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far each function is trusted: its accuracy on labeled rows, shrunk to the prior, shape (functions,)."""
    return smooth_accuracies(*measure_accuracies(votes, known))


def majority_vote(votes: np.ndarray, trusted: np.ndarray, classes: int) -> np.ndarray:
    """The majority's label, shared where several tie, times the mean trust in those who voted for it.

    Args:
        votes: int, shape (rows, functions), -1 abstains; every row has a vote.
        trusted: shape (functions,).
        classes: how many there are.

    Returns:
        float32, shape (rows, classes); what is not trusted is spread over all classes.
    """
    with _generators_left_alone():
        from snorkel.labeling.model import MajorityLabelVoter

        share = np.asarray(MajorityLabelVoter(cardinality=classes).predict_proba(votes))
    row, function = np.nonzero(votes >= 0)
    cell, shape = row * classes + votes[row, function], (len(votes), classes)
    counts = np.bincount(cell, minlength=len(votes) * classes).reshape(shape)
    trusts = np.bincount(cell, weights=trusted[function], minlength=len(votes) * classes).reshape(shape)
    confidence = share * trusts / np.maximum(counts, 1)
    rest = 1 - confidence.sum(axis=1, keepdims=True)
    return np.asarray(confidence + rest / classes, dtype=np.float32)


def snorkel_probabilities(
    votes: np.ndarray, trusted: np.ndarray, known: np.ndarray, classes: int, *, epochs: int, seed: int
) -> np.ndarray:
    """Snorkel's label model (Ratner et al. 2019), with the state of all random generators left as it was.

    Args:
        votes: int, shape (rows, functions), -1 abstains; every row has a vote, and there are three functions or more.
        trusted: where each function's accuracy starts, shape (functions,).
        known: int, -1 where no label is known; gives the balance of the classes.
        classes: how many there are.
        epochs: steps of the fit.
        seed: of the fit.

    Returns:
        float64, shape (rows, classes).
    """
    counts = np.bincount(known[known >= 0], minlength=classes) + 1.0
    with _generators_left_alone():
        from snorkel.labeling.model import LabelModel

        model = LabelModel(cardinality=classes, verbose=False)
        model.fit(
            L_train=votes,
            class_balance=(counts / counts.sum()).tolist(),
            prec_init=trusted.tolist(),
            n_epochs=epochs,
            seed=seed,
            progress_bar=False,
        )
        return np.asarray(model.predict_proba(votes))


@contextlib.contextmanager
def _generators_left_alone() -> Iterator[None]:
    """Snorkel draws from the global generators when it is imported, and seeds them when it fits: they are put back."""
    threads = torch.get_num_threads()
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002
    try:
        torch.set_num_threads(1)  # two threads make the fit ten times slower
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
