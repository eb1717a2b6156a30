"""What each true label is: a posterior whose share of wrong labels may grow with how hard a row is.

Most label filters take errors to fall on any row of a class alike. People's errors keep to the hard rows, where models
err too, so that a label that the models contradict may be either's error. Which one it is cannot be known for a row,
but how often models err on rows as hard as it can (`ModelProbabilities.model_error_estimate`).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls
from sklearn.isotonic import IsotonicRegression

from tilth.cleaning.label_errors.noise.noise_injection import confusion

_POWERS = np.array([0, 1, 2, 4, 8])  # of difficulty: even, linear and ever steeper growth
_HALF = 0.5  # difficulty from which errors may begin
_UNSURE = 0.03  # beside the models' own errors, how far a share of contradictions may be off
_EDGE = 1e-4  # no probability is quite 0 or 1
_LEAST = 0.05  # a share of rows below which a rate is not divided by it


def true_label_posterior(codes: np.ndarray, probabilities: np.ndarray, model_error_estimate: np.ndarray) -> np.ndarray:
    """Probabilities of each true label, given the labels, the models' probabilities, and how often the models err.

    Bayes' rule as in Dawid and Skene (1979) with a single annotator, whose errors go where this data's errors go
    (`noise_injection.confusion`), and whose error rate depends on the difficulty of the row: the margin between the
    two most probable classes. At each difficulty the labels contradict the models at a rate that counts the errors of
    both. The models' error rate can only fall as rows get easier (an isotonic fit). The labels' is estimated on the
    easy rows, where models err little, and carried on to the hard ones: there both err together, for models learn the
    labels' errors, so that contradictions show little (`_label_error_rate`).

    Models are surer of some classes than of others, and where errors are many the weaker of two classes that look alike
    would lose its rows to the other: so each class is first compared with how sure models are of its own rows
    (the thresholds of confident learning, Northcutt et al. 2021).

    Args:
        codes: labels as given, shape (rows,).
        probabilities: by models that did not learn from the row's label, shape (rows, classes).
        model_error_estimate: a number of each row whose mean over equally hard rows is how often the models err
            there, shape (rows,).

    Returns:
        Probabilities, float64, shape (rows, classes).
    """
    probabilities = _over_class_means(codes, probabilities)
    predicted = probabilities.argmax(axis=1)
    label_confusion = confusion(codes, probabilities)
    others = _without(probabilities, predicted)
    same_error = (others * label_confusion[:, predicted].T).sum(axis=1)
    model_errors, label_errors = _error_rates(
        _ease(probabilities), predicted != codes, model_error_estimate, same_error
    )
    prior = _with(others * model_errors[:, None], predicted, 1 - model_errors)
    likelihood = _with(label_confusion[:, codes].T * label_errors[:, None], codes, 1 - label_errors)
    joint = prior * likelihood
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _without(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The probabilities of all classes but one of each row, normalized, shape (rows, classes)."""
    others = _with(probabilities.copy(), codes, np.zeros(len(codes)))
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-12)
    return others


def _with(matrix: np.ndarray, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same matrix with each row's entry of its class set to a value."""
    matrix[np.arange(len(codes)), codes] = values
    return matrix


def _error_rates(
    ease: np.ndarray, contradicted: np.ndarray, model_error_estimate: np.ndarray, same_error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The error rates of the models and of the labels on rows as hard as each row, both of shape (rows,).

    Args:
        ease: ranks of the rows, 0 to 1, shape (rows,).
        contradicted: whether the label is not the models' first choice, shape (rows,).
        model_error_estimate: see `true_label_posterior`.
        same_error: how likely an error of the models is the wrong label itself, shape (rows,).
    """
    same_error = _falling(ease, same_error)
    contradiction_rate = _falling(ease, contradicted.astype(float))
    model_errors = _probability(np.minimum(_falling(ease, model_error_estimate), contradiction_rate))
    label_errors = _label_error_rate(ease, contradicted, model_errors, same_error)
    left_over = (contradiction_rate - label_errors) / np.maximum(1 - label_errors - label_errors * same_error, _LEAST)
    return _probability(np.minimum(model_errors, left_over)), label_errors


def _label_error_rate(
    ease: np.ndarray, contradicted: np.ndarray, model_errors: np.ndarray, same_error: np.ndarray
) -> np.ndarray:
    """The share of wrong labels at each difficulty, which grows with it, and ever faster.

    A sum of powers of the difficulty and a hinge, none with a negative coefficient (Lawson and Hanson 1974), by least
    squares on the contradictions that the models' own errors leave over, each row weighed by how few of those there
    are at its difficulty.

    Args:
        ease: ranks of the rows, 0 to 1, shape (rows,).
        contradicted: whether the label is not the models' first choice, shape (rows,).
        model_errors: how often models err on rows as hard, shape (rows,).
        same_error: how often such an error is the wrong label itself, shape (rows,).
    """
    weights = 1 / (model_errors + _UNSURE)
    difficulty = 1 - ease[:, None]
    shapes = np.hstack([difficulty**_POWERS, np.maximum(0.0, difficulty - _HALF)])
    visible = np.maximum(1 - model_errors - model_errors * same_error, _LEAST) * weights
    coefficients, _ = nnls(shapes * visible[:, None], (contradicted - model_errors) * weights)
    return _probability(shapes @ coefficients)


def _over_class_means(codes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities over each class's mean self-confidence (1 where no row has the class), normalized."""
    classes = probabilities.shape[1]
    rows = np.bincount(codes, minlength=classes)
    own = np.bincount(codes, weights=probabilities[np.arange(len(codes)), codes], minlength=classes)
    means = np.where(rows > 0, np.maximum(own / np.maximum(rows, 1), _EDGE), 1.0)
    even = probabilities / means
    return np.asarray(even / even.sum(axis=1, keepdims=True))


def _ease(probabilities: np.ndarray) -> np.ndarray:
    """Ranks of the rows by the margin of their two most probable classes, from 0 (hardest) to below 1."""
    ordered = np.partition(probabilities, -2, axis=1)
    margins = (ordered[:, -1] - ordered[:, -2]) / (ordered[:, -1] + ordered[:, -2])
    return np.asarray(margins.argsort(kind="stable").argsort(kind="stable") / max(len(margins), 1))


def _falling(ease: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A rate of each row that falls with its ease, fitted to values between 0 and 1, shape (rows,)."""
    if not len(values):
        return values
    return np.asarray(IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0).fit(ease, values).predict(ease))


def _probability(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(values, _EDGE, 1 - _EDGE))
