"""What several annotators' votes on the same rows come to, and how good each of them is."""

from __future__ import annotations

import numpy as np

_SKILL = (2.0, 1.0)
"""Right and wrong votes that each annotator starts with (the prior)."""
_ROUNDS = 20
_LEAST = 1e-6


def joint_consensus(votes: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of each row's label, and each annotator's share of right votes.

    A skill for each annotator and one confusion that all share for their errors (Dawid and Skene 1979, with as few
    parameters as few votes an annotator allow), fitted by expectation maximization.

    Args:
        votes: codes, NaN where an annotator gave none, shape (rows, annotators).
        probabilities: what is thought of each row beside its votes, by models that did not learn from them; even
            where there is nothing, shape (rows, labels).

    Returns:
        float64 of shape (rows, labels), and of shape (annotators,).
    """
    from scipy.special import softmax  # here, for whoever reads a table loads this module

    classes, number = probabilities.shape[1], votes.shape[1]
    row, who = np.nonzero(~np.isnan(votes))
    vote = votes[row, who].astype(int)
    count = np.bincount(who, minlength=number)
    prior = np.log(np.maximum(probabilities, _LEAST))
    first_guess = _model_confusion(probabilities)
    errors, skill = first_guess, np.full(number, _SKILL[0] / sum(_SKILL))
    for _ in range(_ROUNDS):
        likelihood = np.log(np.maximum(errors, _LEAST)).T[vote] + np.log(1 - skill[who])[:, None]
        likelihood[np.arange(len(vote)), vote] = np.log(skill[who])
        logits = prior.copy()
        np.add.at(logits, row, likelihood)
        posterior = softmax(logits, axis=1)
        skill = (np.bincount(who, posterior[row, vote], number) + _SKILL[0]) / (count + sum(_SKILL))
        skill = np.clip(skill, 1 / classes + 1e-3, 1 - 1e-3)  # one who is worse than chance is not turned round
        counted = np.zeros((classes, classes))
        np.add.at(counted, vote, posterior[row])
        counted = counted.T
        np.fill_diagonal(counted, 0)
        errors = counted + classes * first_guess
        errors /= errors.sum(axis=1, keepdims=True)
    return posterior, skill


def _model_confusion(probabilities: np.ndarray) -> np.ndarray:
    """Which classes models confuse, as a first guess at people's errors; rows sum to 1, the diagonal is 0."""
    confused = np.full((probabilities.shape[1],) * 2, 1e-3)
    np.add.at(confused, probabilities.argmax(axis=1), probabilities)
    np.fill_diagonal(confused, 0)
    return np.asarray(confused / confused.sum(axis=1, keepdims=True))
