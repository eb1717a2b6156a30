"""How well predicted labels match the true ones, and how sure the difference of two scores is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd


def macro_f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Mean F1 over the classes of the truth; a class that is only predicted costs precision elsewhere.

    Args:
        truth: class codes, shape (rows,).
        predicted: class codes, shape (rows,).
        classes: how many classes there are in all.

    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3), 4)
    0.7333
    """
    correct, size = f1_counts(truth, predicted, classes)
    present = np.bincount(truth, minlength=classes) > 0
    return float((2 * correct[present] / size[present]).mean())


def f1_counts(truth: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The two counts of each class that F1 is made of: F1 is twice the first over the second.

    Returns:
        Correct predictions of each class; its true rows and its predicted rows together. Both of shape (classes,).

    >>> f1_counts(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    (array([1, 2]), array([3, 5]))
    """
    correct = np.bincount(truth[truth == predicted], minlength=classes)
    return correct, np.bincount(truth, minlength=classes) + np.bincount(predicted, minlength=classes)


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """How far confidence is from the share that is right, over bins of equally many rows (Nguyen and O'Connor 2015).

    Args:
        confidence: of each prediction, shape (rows,).
        right: boolean, whether it was right, shape (rows,).
        bins: at most so many.

    >>> round(expected_calibration_error(np.array([0.6, 0.6, 0.9, 0.9]), np.array([True, False, True, True]), 2), 3)
    0.1
    """
    if not len(confidence):
        return float("nan")
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(np.sum(gaps) / len(order))


def scores(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Macro-F1 over the classes of the truth, and accuracy, both to four places.

    A true class that no model could know counts as missed; a predicted class that is not in the truth costs
    precision elsewhere but is no class of its own.

    >>> scores(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    {'macro_f1': 0.7333, 'accuracy': 0.75}
    """
    codes, labels = pd.factorize(np.array([*truth, *predicted], dtype=object), use_na_sentinel=False)
    true_codes, predicted_codes = codes[: len(truth)], codes[len(truth) :]
    macro = macro_f1(true_codes, predicted_codes, len(labels))
    return {"macro_f1": round(macro, 4), "accuracy": round(float((true_codes == predicted_codes).mean()), 4)}


def paired_bootstrap(
    rows: int, difference: Callable[[np.ndarray], float], *, resamples: int, seed: int
) -> tuple[float, float]:
    """95% interval of a difference of two scores of the same rows, by the percentiles of the paired bootstrap.

    A row is drawn with the predictions of both, so that what is hard for both moves neither apart.

    Args:
        rows: how many rows there are.
        difference: of the two scores on rows that are drawn, with repeats; NaN where it is unknown.
        resamples: how often rows are drawn.
        seed: of the draws.

    >>> paired_bootstrap(10, lambda drawn: 0.5, resamples=20, seed=0)
    (0.5, 0.5)
    """
    rng = np.random.default_rng(seed)
    differences = [difference(rng.integers(rows, size=rows)) for _ in range(resamples)]
    low, high = np.nanquantile(differences, [0.025, 0.975])
    return float(low), float(high)


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
