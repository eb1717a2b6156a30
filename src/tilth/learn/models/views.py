"""Models of two views of a text, what it means and how it is worded, that err apart: pooled they beat either.

The linear probe bends around labels that are wrong on hard rows, and learns them. Class centroids and complement naive
Bayes count each class's rows and cannot; a regression over words that is held stiff hardly can. Each is a function of
training features, labels and other features; `VIEWS` names them, and what they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB

from tilth.learn.models.linear_probe import fit_predict
from tilth.threads import one_thread

Features: TypeAlias = np.ndarray | sparse.csr_matrix
FitPredict: TypeAlias = Callable[[Any, np.ndarray, Any, int], np.ndarray]
"""Training features, their classes, other features, and the number of classes; the probabilities of the other rows,
float32, shape (other rows, classes), not calibrated. The functions here take a weight a training row, too."""

_STIFF = 0.3  # inverse strength of the penalty: of 0.1 to 10 the best at finding errors on hard rows
_SHARP = 20.0  # cosines to centroids differ by hundredths; a temperature is fitted to what this makes of them
_TINY = 1e-12
_BLOCK = 131_072
"""Rows whose features are copied at a time: those of a million short texts fill gigabytes."""


@dataclass(frozen=True)
class SomeRows:
    """Some rows of features, copied a block at a time by a model that can read them so.

    Attributes:
        features: of all rows, shape (rows, dimensions).
        places: positions of these rows among them, shape (some rows,).
    """

    features: Features
    places: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimensions."""
        return len(self.places), int(self.features.shape[1])

    def blocks(self) -> Iterator[tuple[slice, Any]]:
        """Blocks of them, each with where it stands among these rows."""
        for first in range(0, len(self.places), _BLOCK):
            part = slice(first, first + _BLOCK)
            yield part, self.features[self.places[part]]


@dataclass(frozen=True)
class View:
    """A model, and what it reads of the rows.

    Attributes:
        reads: their `vectors`, or the n-grams of their `words` or `characters`.
        fit_predict: see `FitPredict`.
        lowest: the smallest temperature that suits it; what counts many rare n-grams is never sure.
        by_blocks: whether it takes `SomeRows` in place of features.
    """

    reads: str
    fit_predict: FitPredict
    lowest: float = 0.01
    by_blocks: bool = False


def class_centroids(
    train: np.ndarray | SomeRows,
    labels: np.ndarray,
    test: np.ndarray | SomeRows,
    classes: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Probabilities that grow with the cosine to each class's mean vector (Rocchio 1971)."""
    seen, places = np.unique(labels, return_inverse=True)
    if not len(seen):
        return _nothing_learned(test, classes)
    each = np.ones(len(labels)) if weights is None else weights
    sums = np.zeros((len(seen), train.shape[1]))
    for part, block in _blocks(train):
        y, count = places[part], len(block)
        sums += sparse.csr_array((each[part], (y, np.arange(count))), shape=(len(seen), count)) @ block
    centroids = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), _TINY)
    found = [softmax(_SHARP * (block @ centroids.T), axis=1) for _, block in _blocks(test)]
    return _spread(np.concatenate(found), seen, classes)


def complement_naive_bayes(
    train: sparse.csr_matrix | SomeRows,
    labels: np.ndarray,
    test: sparse.csr_matrix | SomeRows,
    classes: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Probabilities by the n-grams of all other classes' rows (Rennie et al. 2003)."""
    seen = np.unique(labels)
    if len(seen) < 2 or not train.shape[1]:
        return _nothing_learned(test, classes, seen)
    model = ComplementNB()
    for part, block in _blocks(train):
        model.partial_fit(block, labels[part], classes=seen, sample_weight=None if weights is None else weights[part])
    return _spread(np.concatenate([model.predict_proba(block) for _, block in _blocks(test)]), seen, classes)


def stiff_regression(
    train: Features, labels: np.ndarray, test: Features, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Probabilities by a logistic regression whose penalty is too strong for it to learn single rows."""
    seen = np.unique(labels)
    if len(seen) < 2 or not train.shape[1]:
        return _nothing_learned(test, classes, seen)
    with one_thread():  # as the linear probe
        model = LogisticRegression(C=_STIFF, max_iter=100).fit(train, labels, sample_weight=weights)
    return _spread(model.predict_proba(test), seen, classes)


VIEWS = {
    "meaning": View("vectors", fit_predict, lowest=0.2),
    "centroids": View("vectors", class_centroids, by_blocks=True),
    "words": View("words", complement_naive_bayes, by_blocks=True),
    "characters": View("characters", complement_naive_bayes, by_blocks=True),
    "wording": View("words", stiff_regression),
}
"""By name: the linear probe, and the four that stand beside it."""


def pool(*probabilities: np.ndarray) -> np.ndarray:
    """The normalized geometric mean: a class must convince all (Genest and Zidek 1986, logarithmic pool).

    >>> pool(np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])).tolist()
    [[0.5, 0.5]]
    """
    joint = np.zeros(np.shape(probabilities[0]), dtype=np.result_type(*probabilities))
    for one in probabilities:  # summed in place: of many rows and classes each array is large
        joint += np.log(np.maximum(one, _TINY))
    joint /= len(probabilities)
    np.exp(joint, out=joint)
    joint /= joint.sum(axis=1, keepdims=True)
    return np.asarray(joint)


def _blocks(rows: Features | SomeRows) -> Iterable[tuple[slice, Any]]:
    return rows.blocks() if isinstance(rows, SomeRows) else [(slice(None), rows)]


def _nothing_learned(test: Features | SomeRows, classes: int, seen: np.ndarray | None = None) -> np.ndarray:
    """The same probability for every class that was seen, or for all where none was."""
    seen = np.arange(classes) if seen is None or not len(seen) else seen
    return _spread(np.full((test.shape[0], len(seen)), 1 / max(len(seen), 1)), seen, classes)


def _spread(probabilities: np.ndarray, seen: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the classes that were seen, as those of all; the others get 0."""
    spread = np.zeros((len(probabilities), classes), dtype=np.float32)
    spread[:, seen] = probabilities
    return spread
