"""The linear probe: the one simple classifier on embeddings by which tilth and its benchmarks compare data sets."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from tilth.threads import one_thread


class LinearProbe(LogisticRegression):
    """scikit-learn's logistic regression, fitted with one thread.

    Its loss and its matrix products use a pool of threads each, and the two pools compete: on a busy machine of two
    cores, one thread fits 8,000 rows of 77 classes fifteen times as fast.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any:  # noqa: N803 - scikit-learn's own name
        """Fit to embeddings, shape (rows, dimensions), and classes, shape (rows,)."""
        with one_thread(), warnings.catch_warnings():
            # One row a class makes scikit-learn ask whether this is a regression.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            return super().fit(X, y, sample_weight)


def new_probe(looseness: float = 10) -> LinearProbe:
    """An unfitted linear probe, for L2-normalized mean-pooled embeddings of the default encoder.

    `looseness` is the inverse strength of its penalty, scikit-learn's C.
    """
    return LinearProbe(C=looseness, max_iter=300)


@dataclass(frozen=True)
class FittedProbe:
    """A linear probe's numbers, which another night can go on with.

    Attributes:
        weight: float32, shape (classes, dimensions).
        bias: float32, shape (classes,); minus infinity for a class that it never saw.
    """

    weight: np.ndarray
    bias: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """The classes that it saw, ascending."""
        return np.flatnonzero(np.isfinite(self.bias))

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities of all classes, float32, shape (rows, classes); even ones where no class was seen."""
        if not len(self.known):
            return np.full((features.shape[0], len(self.bias)), 1 / len(self.bias), dtype=np.float32)
        return np.asarray(softmax(features @ self.weight.T + self.bias, axis=1), dtype=np.float32)

    def as_estimator(self, names: np.ndarray) -> LinearProbe:
        """The same as a fitted estimator of scikit-learn's, with names for its classes; it knows two at least."""
        known, estimator = self.known, new_probe()
        weight, bias = self.weight[known], self.bias[known]
        if len(known) == 2:  # of two, scikit-learn holds the second against the first
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        estimator.classes_ = np.asarray(names)[known]
        estimator.coef_, estimator.intercept_, estimator.n_features_in_ = weight, bias, weight.shape[1]
        return estimator


def fit_probe(train: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray | None = None) -> FittedProbe:
    """Fit a linear probe to embeddings; one that saw a single class always gives it, and one of no row knows nothing.

    Args:
        train: float32, shape (rows, dimensions).
        labels: integer classes of the rows, shape (rows,).
        classes: how many classes there are in all.
        weights: one weight a row.
    """
    weight = np.zeros((classes, train.shape[1]), dtype=np.float32)
    bias = np.full(classes, -np.inf, dtype=np.float32)
    seen = np.unique(labels)
    bias[seen] = 0.0
    if len(seen) > 1:  # logistic regression needs two classes
        model = new_probe().fit(train, labels, sample_weight=weights)
        of = seen if len(seen) > 2 else seen[1:]  # of two, scikit-learn gives the second against the first
        weight[of], bias[of] = model.coef_, model.intercept_
    return FittedProbe(weight, bias)


def fit_predict(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Fit a linear probe and predict the probabilities of other rows.

    Args:
        train: float32, shape (rows, dimensions).
        labels: integer classes of the training rows, shape (rows,).
        test: float32, shape (other rows, dimensions).
        classes: how many classes there are in all; those unseen in training get probability 0.
        weights: one weight a training row.

    Returns:
        float32, shape (other rows, classes), each row summing to 1.
    """
    if not test.shape[0]:  # a sparse one has no length
        return np.zeros((0, classes), dtype=np.float32)
    return fit_probe(train, labels, classes, weights).probabilities(test)
