"""A label model that sees the text: votes, known labels, the text itself and its neighbors as evidence of one truth.

Raykar et al. 2010 ("Learning from Crowds") learn a classifier and its annotators' quality together, by expectation
maximization. Here the annotators are labeling functions that mostly abstain, and the classifier also learns
from rows without any vote: classes are Gaussians of one covariance in the whitened space of the embeddings, each row
scored by means that it did not enter, so that no row is its own evidence. A row's nearest neighbors count too, as in
label propagation (Zhou et al. 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import softmax

from tilth.learn import Neighbors

DIMENSIONS = 128
"""Of the whitened space; between 64 and 256 the result hardly depends on it."""
ROUNDS = (2, 4, 8)
"""Of expectation and maximization. Where the classes are clouds of their own each round finds more of them; where they
are not, rows of which nothing is known reinforce each other, and few are better. Held-out labels or votes decide."""
TEXT_WEIGHT, NEIGHBOR_WEIGHT = 0.7, 0.5
"""Of text and neighbors, where the votes have 1: less, for they are not independent evidence."""
LABEL_ACCURACY = 0.97
"""Of known labels: what passed cleaning is still not gold."""
PRIOR, PRIOR_VOTES = 0.8, 5.0
"""A function is taken to be right 4 times in 5, worth five votes, until its votes say otherwise."""
_RIDGE = 0.1
_LEAST_WEIGHT = 0.5
"""Weight left to a class's mean when a row is taken out of it, so that a class of one row still has a mean."""


@dataclass(frozen=True, kw_only=True)
class TextFeatures:
    """The rows' texts, as the joint model needs them.

    Attributes:
        white: whitened embeddings, float64, shape (rows, dimensions).
        near: the cosine to each row's nearest neighbors, sparse, shape (rows, rows).
    """

    white: np.ndarray
    near: csr_array


def prepare_texts(vectors: np.ndarray, neighbors: Neighbors) -> TextFeatures:
    """Prepare the texts once for several fits.

    Args:
        vectors: embeddings, shape (rows, dimensions).
        neighbors: each row's nearest rows among these.
    """
    near = neighbors.matrix(np.maximum(neighbors.similarities, 0.0).astype(np.float64))
    return TextFeatures(white=_whiten(np.asarray(vectors, dtype=np.float64)), near=near)


def select_texts(text: TextFeatures, rows: np.ndarray) -> TextFeatures:
    """The same of some of the rows, int64 positions; neighbors among the others are dropped."""
    near = text.near[rows][:, rows]
    return TextFeatures(white=text.white[rows], near=csr_array(near))


def _whiten(vectors: np.ndarray) -> np.ndarray:
    centered = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(centered.T @ centered / len(centered))
    best = np.argsort(-values)[: min(DIMENSIONS, max(1, len(vectors) // 3))]
    best = best[values[best] > 1e-8]
    return centered @ (axes[:, best] / np.sqrt(values[best]))


def joint_probabilities(
    votes: np.ndarray, text: TextFeatures, known: np.ndarray, classes: int, rounds: int = ROUNDS[1]
) -> np.ndarray:
    """Probabilities of the classes on every row, those without a vote included.

    Args:
        votes: int, shape (rows, functions), -1 abstains.
        text: as `prepare_texts` gives it.
        known: int, shape (rows,), -1 where no label is known.
        classes: how many there are.
        rounds: of expectation and maximization.

    Returns:
        float64, shape (rows, classes). A row whose label is known is scored without that label's own weight.
    """
    labeled = known >= 0
    label = np.full((len(known), classes), (1 - LABEL_ACCURACY) / max(1, classes - 1))
    label[np.flatnonzero(labeled), known[labeled]] = LABEL_ACCURACY
    posterior = _vote_shares(votes, classes)
    posterior[labeled] = label[labeled]
    weight = (labeled | (votes >= 0).any(axis=1)).astype(np.float64)
    probabilities = posterior
    for _ in range(rounds if weight.any() else 0):
        share = _class_share(posterior, weight)
        evidence = np.log(share) + TEXT_WEIGHT * _text_evidence(text.white, posterior, weight)
        evidence += NEIGHBOR_WEIGHT * _neighbor_evidence(text.near, posterior, weight, share) + _vote_evidence(
            votes, posterior
        )
        probabilities = softmax(evidence, axis=1)
        posterior = np.where(labeled[:, None], label, probabilities)
        weight = np.ones(len(known))
    return np.asarray(probabilities)


def _vote_shares(votes: np.ndarray, classes: int) -> np.ndarray:
    """Each class's share of a row's votes, smoothed by three tenths of a vote a class."""
    counts = np.full((len(votes), classes), 0.3)
    for code in range(classes):
        counts[:, code] += (votes == code).sum(axis=1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _class_share(posterior: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How frequent each class is, shape (classes,)."""
    counts = weight @ posterior + 1.0
    return np.asarray(counts / counts.sum())


def _text_evidence(white: np.ndarray, posterior: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log likelihood of each text under each class, but for a term that all classes share, shape (rows, classes)."""
    weighted = posterior * weight[:, None]
    count = weighted.sum(axis=0)
    sums = weighted.T @ white
    means = sums / (count + 1.0)[:, None]
    total = (white * weight[:, None]).T @ white / weight.sum()
    within = total - (means.T * (count / weight.sum())) @ means
    inverse = np.linalg.inv((within + within.T) / 2 + _RIDGE * np.eye(len(within)))
    turned = white @ inverse
    cross, self_term = turned @ sums.T, np.einsum("ij,ij->i", turned, white)[:, None]
    size = np.einsum("ij,ij->i", sums @ inverse, sums)
    rest = np.maximum(count + 1.0 - weighted, _LEAST_WEIGHT)  # the mean without this row, and the same for its length
    return np.asarray(
        (cross - weighted * self_term) / rest - 0.5 * (size - 2 * weighted * cross + weighted**2 * self_term) / rest**2
    )


def _neighbor_evidence(near: csr_array, posterior: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Log ratio of each class's weight among the neighbors to its share of all rows, shape (rows, classes)."""
    near_weight = near @ (posterior * weight[:, None]) + 2 * share
    total = near @ weight + 2
    return np.asarray(np.log(near_weight / total[:, None]) - np.log(share))


def _vote_evidence(votes: np.ndarray, posterior: np.ndarray) -> np.ndarray:
    """Log ratio by which the votes favor each class, shape (rows, classes).

    Each function's votes for one label are weighed by the classes of the rows that got them, as estimated so far.
    """
    classes = posterior.shape[1]
    base = np.log((posterior.sum(axis=0) + 1) / (posterior.sum() + classes))
    evidence = np.zeros_like(posterior)
    for column in votes.T:
        for code in np.unique(column[column >= 0]):
            rows = np.flatnonzero(column == code)
            prior = np.full(classes, (1 - PRIOR) / max(1, classes - 1))
            prior[code] = PRIOR
            classes_of_voted = (posterior[rows].sum(axis=0) + PRIOR_VOTES * prior) / (len(rows) + PRIOR_VOTES)
            evidence[rows] += np.log(classes_of_voted) - base
    return evidence
