"""Models that judge each row's label without having learned from it, fitted again without the rows they doubt.

Three of unlike kinds, since their errors differ: the nearest rows in embedding space, a linear discriminant in
closed form, and the judge. The first two are cheap, so they are fitted in rounds, each row weighed by what the last
round thought of its label (the idea of iterated self-weighting in co-teaching and SELF, Nguyen et al. 2020); the
judge is fitted twice: on the rows whose label they agree with, and on all of them, for what the first two doubt are
also the hard rows, without which it knows less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import softmax

from tilth.learn import Neighbors, fit_predict, fit_temperature

_SHRINKAGE = 0.2
"""Share of a sphere in the discriminant's covariance (Ledoit and Wolf 2004): few rows a dimension are usual here."""
_WIDTH = 0.05
"""Cosine distance over which a neighbor's voice falls by a factor e."""
_DOUBT = 1e-2
"""What every class is given beside its neighbors' voices, so that none is impossible."""
_HALF = 0.5
_TINY = 1e-3
_LOGITS = (0.02, 60.0)
"""Temperatures to choose from: scores of a discriminant are far larger than log probabilities."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The nearest labeled rows of each labeled row, and their voices, shape (rows, k)."""

    near: Neighbors
    voices: np.ndarray

    @classmethod
    def of(cls, near: Neighbors) -> Graph:
        """The graph of rows among which the nearest were sought."""
        return cls(near=near, voices=np.exp((near.similarities.astype(np.float64) - 1) / _WIDTH))

    def tally(self, codes: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
        """The neighbors' weighted voices for each class, float64, shape (rows, classes)."""
        among, count = self.near.matrix(self.voices * weights[self.near.rows]), len(codes)
        labels = csr_array((np.ones(count), (np.arange(count), codes)), shape=(count, classes))
        return np.asarray((among @ labels).toarray())


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """What the witnesses think.

    Attributes:
        neighbors, linear, joint: probabilities of each class by the neighbors, by the judge of the rows whose label the
            cheap witnesses agree with, and by all witnesses; float64, shape (rows, classes).
        mistaken: what each row adds to the share of rows on which models are mistaken, shape (rows,); see `_mistaken`.
    """

    neighbors: np.ndarray
    linear: np.ndarray
    joint: np.ndarray
    mistaken: np.ndarray


def believe(
    vectors: np.ndarray,
    graph: Graph,
    codes: np.ndarray,
    folds: np.ndarray,
    classes: int,
    rounds: int,
    below: np.ndarray | None = None,
) -> Beliefs:
    """What the witnesses think of every labeled row.

    Args:
        vectors: L2-normalized, shape (rows, dimensions).
        graph: of these vectors.
        codes: the labels as given, shape (rows,), each below `classes` and each class at least once.
        folds: cross-validation fold of each row, shape (rows,).
        classes: how many there are.
        rounds: fits of the cheap witnesses.
        below: what the tasks below think of these classes, shape (rows, classes), rows of NaN where they are silent.
    """
    weights, place = np.ones(len(codes)), np.arange(len(codes))
    for turn in range(rounds):
        near = _calibrated(np.log(graph.tally(codes, weights, classes) + _DOUBT), codes)
        apart = _calibrated(_discriminant(vectors, codes, folds, weights, classes), codes)
        if turn == 0:
            mistaken = _mistaken(vectors, codes, folds, classes, near.argmax(axis=1), apart.argmax(axis=1))
        cheap = _pooled(near, apart)
        weights = cheap[place, codes] / cheap.max(axis=1)
    linear = _judge(vectors, codes, folds, cheap.argmax(axis=1) == codes, classes)
    whole = _judge(vectors, codes, folds, np.ones(len(codes), dtype=bool), classes)
    joint = _pooled(near, linear, whole)
    if below is not None:
        told = ~np.isnan(below).any(axis=1)
        joint[told] = _pooled(joint[told], below[told])
    return Beliefs(neighbors=near, linear=linear, joint=joint, mistaken=mistaken)


def _mistaken(
    vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, classes: int, near: np.ndarray, apart: np.ndarray
) -> np.ndarray:
    """How often models of these rows are mistaken, told by where two of unlike kinds differ; shape (rows,).

    Two that err alike and independently differ twice as often as one of them errs. What both get wrong for want of
    rows they do not differ in: that share is about what half of the rows lose against all of them, for errors fall
    with the number of rows as its inverse does.

    `near` and `apart` are the classes that neighbors and discriminant hold most likely, shape (rows,).
    """
    fewer = _discriminant(vectors, codes, folds, np.ones(len(codes)), classes, part=0.5).argmax(axis=1)
    want = max(0.0, float((fewer != codes).mean() - (apart != codes).mean()))
    differ = near != apart
    return np.asarray(differ * (_HALF + want / max(float(differ.mean()), _TINY)))


def _calibrated(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(logits / fit_temperature(logits, codes, *_LOGITS), axis=1))


def _pooled(*beliefs: np.ndarray) -> np.ndarray:
    """The normalized geometric mean: a class must convince all (Genest and Zidek 1986, logarithmic pool)."""
    joint = np.exp(np.mean([np.log(np.maximum(belief, 1e-12)) for belief in beliefs], axis=0))
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _discriminant(
    vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, weights: np.ndarray, classes: int, part: float = 1.0
) -> np.ndarray:
    """Out-of-fold scores of a weighted linear discriminant that learns from a part of the other folds.

    Returns:
        float64, shape (rows, classes).
    """
    scores, every = np.zeros((len(codes), classes)), np.unique(folds)
    for place, fold in enumerate(every):
        others = np.roll(every, -place)[1:]
        taught, asked = np.isin(folds, others[: max(1, round(part * len(others)))]), folds == fold
        if not taught.any():
            continue
        x, y, w = vectors[taught].astype(np.float64), codes[taught], weights[taught]
        members = csr_array((w, (y, np.arange(len(y)))), shape=(classes, len(y)))
        size = np.asarray(members.sum(axis=1)).ravel() + 1e-9
        means = (members @ x) / size[:, None]
        residual = (x - means[y]) * np.sqrt(w)[:, None]
        covariance = residual.T @ residual / max(w.sum(), 1e-9)
        sphere = np.trace(covariance) / len(covariance) + 1e-9
        covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * sphere * np.eye(len(covariance))
        directions = np.linalg.solve(covariance, means.T)
        bias = np.log(size / size.sum()) - 0.5 * (means.T * directions).sum(axis=0)
        scores[asked] = vectors[asked] @ directions + bias
    return scores


def _judge(vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, trusted: np.ndarray, classes: int) -> np.ndarray:
    found = np.full((len(codes), classes), 1 / classes)
    for fold in np.unique(folds):
        taught, asked = trusted & (folds != fold), folds == fold
        if taught.any():
            found[asked] = fit_predict(vectors[taught], codes[taught], vectors[asked], classes)
    return found
