"""A label model that sees the text: votes, known labels, the text itself and its neighbors as evidence of one truth.

Raykar et al. 2010 ("Learning from Crowds") learn a classifier and its annotators' quality together, by expectation
maximization. Here the annotators are labeling functions that mostly abstain, and the classifier also learns
from rows without any vote: classes are Gaussians of one covariance in the whitened space of the embeddings, each row
scored by means that it did not enter, so that no row is its own evidence. A row's nearest neighbors count too, as in
label propagation (Zhou et al. 2004).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_BLOCK = 16_384
"""Rows that are computed with at a time, in double precision; what is kept of all rows is float32."""


@dataclass(frozen=True, kw_only=True)
class TextFeatures:
    """The rows' texts, as the joint model needs them.

    Attributes:
        white: whitened embeddings, float32, shape (rows, dimensions).
        near: the cosine to each row's nearest neighbors, sparse, float32, shape (rows, rows).
    """

    white: np.ndarray
    near: csr_array


def prepare_texts(vectors: np.ndarray, neighbors: Neighbors) -> TextFeatures:
    """Prepare the texts once for several fits.

    Args:
        vectors: embeddings, shape (rows, dimensions).
        neighbors: each row's nearest rows among these.
    """
    near = neighbors.matrix(np.maximum(neighbors.similarities, 0.0).astype(np.float32))
    return TextFeatures(white=_whiten(np.asarray(vectors)), near=near)


def select_texts(text: TextFeatures, rows: np.ndarray) -> TextFeatures:
    """The same of some of the rows, int64 positions; neighbors among the others are dropped."""
    near = text.near[rows][:, rows]
    return TextFeatures(white=text.white[rows], near=csr_array(near))


def _whiten(vectors: np.ndarray) -> np.ndarray:
    mean, width = vectors.mean(axis=0, dtype=np.float64), vectors.shape[1]
    products = np.zeros((width, width))
    for part in _blocks(len(vectors)):
        centered = vectors[part] - mean
        products += centered.T @ centered
    values, axes = np.linalg.eigh(products / len(vectors))
    best = np.argsort(-values)[: min(DIMENSIONS, max(1, len(vectors) // 3))]
    best = best[values[best] > 1e-8]
    turned = axes[:, best] / np.sqrt(values[best])
    white = np.empty((len(vectors), len(best)), dtype=np.float32)
    for part in _blocks(len(vectors)):
        white[part] = (vectors[part] - mean) @ turned
    return white


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
        float32, shape (rows, classes). A row whose label is known is scored without that label's own weight.
    """
    labeled = known >= 0
    posterior = _vote_shares(votes, classes)
    _set_known(posterior, known)
    weight = (labeled | (votes >= 0).any(axis=1)).astype(np.float32)
    probabilities = posterior
    for _ in range(rounds if weight.any() else 0):
        gaussians, tables = _fit_gaussians(text.white, posterior, weight), _vote_tables(votes, posterior)
        weighted = posterior if weight.all() else posterior * weight[:, None]
        share = _class_share(gaussians.count)
        probabilities = np.empty_like(posterior)
        for part in _blocks(len(known)):
            evidence = np.log(share) + TEXT_WEIGHT * gaussians.evidence(text.white[part], weighted[part])
            evidence += NEIGHBOR_WEIGHT * _neighbor_evidence(text.near[part], weighted, weight, share)
            evidence += _vote_evidence(votes[part], tables)
            probabilities[part] = softmax(evidence, axis=1)
        posterior = probabilities.copy()
        _set_known(posterior, known)
        weight = np.ones(len(known), dtype=np.float32)
    return probabilities


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(first, min(first + _BLOCK, rows)) for first in range(0, rows, _BLOCK))


def _set_known(posterior: np.ndarray, known: np.ndarray) -> None:
    """What is held of the rows whose label is known."""
    labeled = np.flatnonzero(known >= 0)
    posterior[labeled] = (1 - LABEL_ACCURACY) / max(1, posterior.shape[1] - 1)
    posterior[labeled, known[labeled]] = LABEL_ACCURACY


def _vote_shares(votes: np.ndarray, classes: int) -> np.ndarray:
    """Each class's share of a row's votes, smoothed by three tenths of a vote a class; float32."""
    shares = np.empty((len(votes), classes), dtype=np.float32)
    for part in _blocks(len(votes)):
        row, function = np.nonzero(votes[part] >= 0)
        cells = row * classes + votes[part][row, function]
        counts = 0.3 + np.bincount(cells, minlength=(part.stop - part.start) * classes).reshape(-1, classes)
        shares[part] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _class_share(count: np.ndarray) -> np.ndarray:
    """How frequent each class is, from the weight of its rows, both of shape (classes,)."""
    return np.asarray((count + 1.0) / (count + 1.0).sum())


@dataclass(frozen=True, kw_only=True)
class _Gaussians:
    """The classes as Gaussians of one covariance.

    Attributes:
        count: the weight of each class's rows, shape (classes,).
        sums: of its rows, shape (classes, dimensions).
        inverse: of the covariance, shape (dimensions, dimensions).
    """

    count: np.ndarray
    sums: np.ndarray
    inverse: np.ndarray

    def evidence(self, white: np.ndarray, weighted: np.ndarray) -> np.ndarray:
        """Log likelihood of texts under each class, but for a term that all classes share, shape (rows, classes).

        Each class's mean is the one without the text itself.

        Args:
            white: of the texts.
            weighted: what they weigh in each class, shape (rows, classes).
        """
        turned = white @ self.inverse
        cross, self_term = turned @ self.sums.T, np.einsum("ij,ij->i", turned, white)[:, None]
        size = np.einsum("ij,ij->i", self.sums @ self.inverse, self.sums)
        rest = np.maximum(self.count + 1.0 - weighted, _LEAST_WEIGHT)  # the same for the mean's length
        return np.asarray(
            (cross - weighted * self_term) / rest
            - 0.5 * (size - 2 * weighted * cross + weighted**2 * self_term) / rest**2
        )


def _fit_gaussians(white: np.ndarray, posterior: np.ndarray, weight: np.ndarray) -> _Gaussians:
    width, classes = white.shape[1], posterior.shape[1]
    count, sums, total = np.zeros(classes), np.zeros((classes, width)), np.zeros((width, width))
    for part in _blocks(len(white)):
        rows, weights = white[part].astype(np.float64), weight[part].astype(np.float64)
        weighted = posterior[part] * weights[:, None]
        count += weighted.sum(axis=0)
        sums += weighted.T @ rows
        total += (rows * weights[:, None]).T @ rows
    whole = float(weight.sum(dtype=np.float64))
    means = sums / (count + 1.0)[:, None]
    within = total / whole - (means.T * (count / whole)) @ means
    inverse = np.linalg.inv((within + within.T) / 2 + _RIDGE * np.eye(len(within)))
    return _Gaussians(count=count, sums=sums, inverse=inverse)


def _neighbor_evidence(near: csr_array, weighted: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Log ratio of each class's weight among some rows' neighbors to its share of all rows, shape (rows, classes)."""
    near_weight = near @ weighted + 2 * share
    total = near @ weight + 2
    return np.asarray(np.log(near_weight / total[:, None]) - np.log(share))


def _vote_tables(votes: np.ndarray, posterior: np.ndarray) -> list[np.ndarray]:
    """For each function, the log ratio by which each of its votes favors each class, shape (classes, classes).

    Each function's votes for one label are weighed by the classes of the rows that got them, as estimated so far.
    """
    classes = posterior.shape[1]
    count = posterior.sum(axis=0, dtype=np.float64)
    base = np.log((count + 1) / (count.sum() + classes))
    tables = []
    for column in votes.T:
        table = np.zeros((classes, classes))
        for code in np.unique(column[column >= 0]):
            rows = np.flatnonzero(column == code)
            prior = np.full(classes, (1 - PRIOR) / max(1, classes - 1))
            prior[code] = PRIOR
            of_voted = posterior[rows].sum(axis=0, dtype=np.float64) + PRIOR_VOTES * prior
            table[code] = np.log(of_voted / (len(rows) + PRIOR_VOTES)) - base
        tables.append(table)
    return tables


def _vote_evidence(votes: np.ndarray, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Log ratio by which some rows' votes favor each class, shape (rows, classes)."""
    evidence = np.zeros((len(votes), tables[0].shape[1] if tables else 1))
    for column, table in zip(votes.T, tables, strict=True):
        voted = np.flatnonzero(column >= 0)
        evidence[voted] += table[column[voted]]
    return evidence
