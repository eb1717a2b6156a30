"""What each true label is: a posterior whose share of wrong labels may grow with how hard a row is.

Most label filters take errors to fall on any row of a class alike. People's errors keep to the hard rows, where models
err too, so that a label that the models contradict may be either's mistake. Which one it is cannot be told for a row,
but how often models are mistaken on rows as hard as it can (`witnesses.Beliefs.mistaken`).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls
from sklearn.isotonic import IsotonicRegression

from tilth.cleaning.label_errors.noise_injection import confusion

_POWERS = np.array([0, 1, 2, 4, 8])  # of difficulty: even, linear and ever steeper growth
_HALF = 0.5  # difficulty from which errors may begin
_UNSURE = 0.03  # beside the models' own mistakes, how far a share of contradictions may be off
_EDGE = 1e-4  # no chance is quite 0 or 1
_LEAST = 0.05  # a share of rows below which a rate is not divided by it


def posterior(codes: np.ndarray, belief: np.ndarray, mistaken: np.ndarray) -> np.ndarray:
    """The chances of each true label, given the labels, what models believe, and how often they are mistaken.

    Bayes' rule as in Dawid and Skene (1979) with a single annotator, whose errors go where this data's errors go
    (`planting.confusion`), and whose error rate depends on the difficulty of the row: the margin between the two
    classes that the models hold most likely. At each difficulty the labels contradict the models at a rate that
    counts both sides' mistakes. The models' can only fall as rows get easier (an isotonic fit). The labels' is read off
    the easy rows, where models make few, and carried on to the hard ones: there both err together, for models learn
    what the labels say, so that contradictions tell little (`_errors`).

    Models are surer of some classes than of others, and where errors are many the weaker of two classes that look alike
    would lose its rows to the other: so each class is first held against how sure models are of its own rows
    (the thresholds of confident learning, Northcutt et al. 2021).

    Args:
        codes: labels as given, shape (rows,).
        belief: probabilities by models that did not see the row's label, shape (rows, classes).
        mistaken: a figure of each row whose mean over rows as hard is how often the models err there, shape (rows,).

    Returns:
        Probabilities, float64, shape (rows, classes).
    """
    belief = _evened(codes, belief)
    place, top = np.arange(len(codes)), belief.argmax(axis=1)
    ordered = np.partition(belief, -2, axis=1)
    easy = _ranks((ordered[:, -1] - ordered[:, -2]) / (ordered[:, -1] + ordered[:, -2]))
    given = confusion(codes, belief)
    others = belief.copy()
    others[place, top] = 0
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-12)
    alike = _falling(easy, (others * given[:, top].T).sum(axis=1))
    contradicted = _falling(easy, (top != codes).astype(float))
    erring = np.clip(np.minimum(_falling(easy, mistaken), contradicted), _EDGE, 1 - _EDGE)
    wrong = _errors(easy, top != codes, erring, alike)
    rest = (contradicted - wrong) / np.maximum(1 - wrong - wrong * alike, _LEAST)
    erring = np.clip(np.minimum(erring, rest), _EDGE, 1 - _EDGE)
    found = others * erring[:, None]
    found[place, top] = 1 - erring
    likely = given[:, codes].T * wrong[:, None]
    likely[place, codes] = 1 - wrong
    found *= likely
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _errors(easy: np.ndarray, contradicted: np.ndarray, erring: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """The share of wrong labels at each difficulty, which grows with it, and ever faster.

    A sum of powers of the difficulty and a hinge, none with a negative coefficient (Lawson and Hanson 1974), by least
    squares on the contradictions that the models' own mistakes leave over, each row weighed by how few of those there
    are where it stands.

    Args:
        easy: ranks of the rows, 0 to 1, shape (rows,).
        contradicted: whether the label is not the models' first choice, shape (rows,).
        erring: how often models are mistaken on rows as hard, shape (rows,).
        alike: how often a mistake of theirs is the wrong label itself, shape (rows,).
    """
    sure = 1 / (erring + _UNSURE)
    hard = 1 - easy[:, None]
    shapes = np.hstack([hard**_POWERS, np.maximum(0.0, hard - _HALF)])
    told = np.maximum(1 - erring - erring * alike, _LEAST) * sure
    coefficients, _ = nnls(shapes * told[:, None], (contradicted - erring) * sure)
    return np.clip(shapes @ coefficients, _EDGE, 1 - _EDGE)


def _evened(codes: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """Beliefs over each class's mean self-confidence, normalized, (rows, classes); 1 where none has a class."""
    classes = belief.shape[1]
    rows = np.bincount(codes, minlength=classes)
    own = np.bincount(codes, weights=belief[np.arange(len(codes)), codes], minlength=classes) / np.maximum(rows, 1)
    even = belief / np.where(rows > 0, np.maximum(own, _EDGE), 1.0)
    return np.asarray(even / even.sum(axis=1, keepdims=True))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0 to below 1, shape (rows,)."""
    return np.asarray(values.argsort(kind="stable").argsort(kind="stable") / max(len(values), 1))


def _falling(easy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A rate of each row that falls with its ease, fitted to values between 0 and 1, shape (rows,)."""
    if not len(values):
        return values
    return np.asarray(IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0).fit(easy, values).predict(easy))
