"""A label model that sees the text: votes, known labels, the text itself and its neighbors as witnesses of one truth.

Raykar et al. 2010 ("Learning from Crowds") learn a classifier and its annotators' quality together, by expectation
maximization. Here the annotators are labeling functions that mostly abstain, and the classifier is one that rows
without any vote teach too: classes are Gaussians of one covariance in the whitened space of the embeddings, each row
judged by means that it did not enter, so that no row is its own witness. A row's nearest neighbors are heard beside
it, as in label propagation (Zhou et al. 2004).
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
are not, rows that nothing is known of convince each other, and few are better. Held-out labels or votes decide."""
TEXT, NEAR = 0.7, 0.5
"""What the text and the neighbors weigh beside the votes: less than 1, for they are not independent witnesses."""
TRUST = 0.97
"""A known label is taken to be right this often; what cleaning let through is still not gold."""
PRIOR, PRIOR_VOTES = 0.8, 5.0
"""A function is taken to be right 4 times in 5, worth five votes, until its votes say otherwise."""
_RIDGE = 0.1
_OWN = 0.5
"""Weight left to a class's mean when a row is taken out of it, so that a class of one row still has a mean."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """What is known of the rows' texts.

    Attributes:
        white: whitened embeddings, float64, shape (rows, dimensions).
        near: the cosine to each row's nearest neighbors, sparse, shape (rows, rows).
    """

    white: np.ndarray
    near: csr_array


def see(vectors: np.ndarray, neighbors: Neighbors) -> Text:
    """Prepare the texts once for several fits.

    Args:
        vectors: embeddings, shape (rows, dimensions).
        neighbors: each row's nearest rows among these.
    """
    near = neighbors.matrix(np.maximum(neighbors.similarities, 0.0).astype(np.float64))
    return Text(white=_whiten(np.asarray(vectors, dtype=np.float64)), near=near)


def part(text: Text, rows: np.ndarray) -> Text:
    """The same of some of the rows, int64 positions; what it knew of the others is left out."""
    near = text.near[rows][:, rows]
    return Text(white=text.white[rows], near=csr_array(near))


def _whiten(vectors: np.ndarray) -> np.ndarray:
    centered = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(centered.T @ centered / len(centered))
    best = np.argsort(-values)[: min(DIMENSIONS, max(1, len(vectors) // 3))]
    best = best[values[best] > 1e-8]
    return centered @ (axes[:, best] / np.sqrt(values[best]))


def believe(votes: np.ndarray, text: Text, known: np.ndarray, classes: int, rounds: int = ROUNDS[1]) -> np.ndarray:
    """Probabilities of the classes on every row, those without a vote included.

    Args:
        votes: int, shape (rows, functions), -1 abstains.
        text: as `see` gives it.
        known: int, shape (rows,), -1 where no label is known.
        classes: how many there are.
        rounds: how often belief and what it rests on are set anew.

    Returns:
        float64, shape (rows, classes). A row whose label is known is judged without that label's own weight.
    """
    told = known >= 0
    label = np.full((len(known), classes), (1 - TRUST) / max(1, classes - 1))
    label[np.flatnonzero(told), known[told]] = TRUST
    belief = _first(votes, classes)
    belief[told] = label[told]
    weight = (told | (votes >= 0).any(axis=1)).astype(np.float64)
    found = belief
    for _ in range(rounds if weight.any() else 0):
        share = _share(belief, weight)
        evidence = np.log(share) + TEXT * _text(text.white, belief, weight)
        evidence += NEAR * _near(text.near, belief, weight, share) + _votes(votes, belief)
        found = softmax(evidence, axis=1)
        belief = np.where(told[:, None], label, found)
        weight = np.ones(len(known))
    return np.asarray(found)


def _first(votes: np.ndarray, classes: int) -> np.ndarray:
    """Each row's share of votes, drawn to even odds by three tenths of a vote."""
    counts = np.full((len(votes), classes), 0.3)
    for code in range(classes):
        counts[:, code] += (votes == code).sum(axis=1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _share(belief: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How frequent each class is, shape (classes,)."""
    counts = weight @ belief + 1.0
    return np.asarray(counts / counts.sum())


def _text(white: np.ndarray, belief: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log likelihood of each text under each class, but for a term that all classes share, shape (rows, classes)."""
    own = belief * weight[:, None]
    count = own.sum(axis=0)
    sums = own.T @ white
    means = sums / (count + 1.0)[:, None]
    total = (white * weight[:, None]).T @ white / weight.sum()
    within = total - (means.T * (count / weight.sum())) @ means
    inverse = np.linalg.inv((within + within.T) / 2 + _RIDGE * np.eye(len(within)))
    turned = white @ inverse
    cross, self_term = turned @ sums.T, np.einsum("ij,ij->i", turned, white)[:, None]
    size = np.einsum("ij,ij->i", sums @ inverse, sums)
    rest = np.maximum(count + 1.0 - own, _OWN)  # the mean without this row, and the same for its length
    return np.asarray((cross - own * self_term) / rest - 0.5 * (size - 2 * own * cross + own**2 * self_term) / rest**2)


def _near(near: csr_array, belief: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Log ratio of each class's weight among the neighbors to its share of all rows, shape (rows, classes)."""
    heard = near @ (belief * weight[:, None]) + 2 * share
    total = near @ weight + 2
    return np.asarray(np.log(heard / total[:, None]) - np.log(share))


def _votes(votes: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """Log ratio by which the votes speak for each class, shape (rows, classes).

    Each function's votes for one label are weighed by which classes the rows that got them belong to, as believed.
    """
    classes = belief.shape[1]
    base = np.log((belief.sum(axis=0) + 1) / (belief.sum() + classes))
    spoken = np.zeros_like(belief)
    for column in votes.T:
        for code in np.unique(column[column >= 0]):
            rows = np.flatnonzero(column == code)
            prior = np.full(classes, (1 - PRIOR) / max(1, classes - 1))
            prior[code] = PRIOR
            meant = (belief[rows].sum(axis=0) + PRIOR_VOTES * prior) / (len(rows) + PRIOR_VOTES)
            spoken[rows] += np.log(meant) - base
    return spoken
