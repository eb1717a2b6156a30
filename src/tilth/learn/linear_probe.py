"""The judge of a data set: the one simple model by which tilth and its benchmarks compare two sets of labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from threadpoolctl import threadpool_limits


class LinearProbe(LogisticRegression):
    """scikit-learn's logistic regression, fitted with one thread.

    Its loss and its matrix products come with a pool of threads each, which get into each other's way: on a busy
    machine of two cores, one thread fits 8,000 rows of 77 classes fifteen times as fast.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any:  # noqa: N803 - scikit-learn's own name
        """Fit to embeddings, shape (rows, dimensions), and classes, shape (rows,)."""
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # One row a class makes scikit-learn ask whether this is a regression.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            return super().fit(X, y, sample_weight)


def new_probe() -> LinearProbe:
    """An unfitted judge, for L2-normalized mean-pooled embeddings of the default encoder."""
    return LinearProbe(C=10, max_iter=300)


def fit_predict(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Fit the judge and give its probabilities.

    Args:
        train: float32, shape (rows, dimensions).
        labels: integer classes of the training rows, shape (rows,).
        test: float32, shape (other rows, dimensions).
        classes: how many classes there are in all; those unseen in training get probability 0.
        weights: one weight a training row.

    Returns:
        float32, shape (other rows, classes), each row summing to 1.
    """
    probabilities = np.zeros((len(test), classes), dtype=np.float32)
    seen = np.unique(labels)
    if len(seen) == 0:
        probabilities[:] = 1 / classes
    elif len(seen) == 1:  # logistic regression needs two classes; with one there is nothing to learn
        probabilities[:, seen[0]] = 1
    elif len(test):
        model = new_probe().fit(train, labels, sample_weight=weights)
        probabilities[:, seen] = model.predict_proba(test)
    return probabilities


def why_no_score(truth: Sequence[object]) -> str | None:
    """Why a score of these rows would say nothing, in one sentence; None where it says something.

    >>> why_no_score(["a", "b"]) is None
    True
    >>> why_no_score(["a", "a"])
    'every row to measure it by (2) has the label "a"; a score needs two classes'
    """
    classes = set(truth)
    if not classes:
        return "no labeled row to measure it by"
    if len(classes) == 1:
        return f'every row to measure it by ({len(truth)}) has the label "{classes.pop()}"; a score needs two classes'
    return None


def scores(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Macro-F1 over the classes of the truth, and accuracy.

    A true class that no model could know counts as missed; a predicted class that is not in the truth costs
    precision elsewhere but is no class of its own.

    >>> scores(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    {'macro_f1': 0.7333, 'accuracy': 0.75}
    """
    labels = sorted(set(truth))
    macro = f1_score(list(truth), list(predicted), labels=labels, average="macro", zero_division=0)
    return {"macro_f1": round(float(macro), 4), "accuracy": round(float(accuracy_score(truth, predicted)), 4)}
