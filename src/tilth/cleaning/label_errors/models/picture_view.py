"""A third view of each label, beside what the text means and how it is worded: its picture.

Text and picture err apart, for neither was made from the other: a label that both contradict is likelier wrong than one
that two models of the text contradict.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import softmax

from tilth.cleaning.label_errors.models.two_views import TwoViews, odds_of, three_accuracies
from tilth.learn import VIEWS, apply_temperature, calibrate, cross_validate, pool

_FEWEST = 5
"""Rows with a picture a class, on the average, before pictures are listened to."""
_TINY = 1e-6


def add_picture_view(
    views: TwoViews, vectors: np.ndarray, there: np.ndarray, codes: np.ndarray, folds: np.ndarray, classes: int
) -> TwoViews:
    """The two views with pictures pooled in, on the rows that have one; the others stay as they are.

    Args:
        views: of the rows' texts.
        vectors: of their pictures, L2-normalized, shape (rows, dimensions).
        there: boolean, shape (rows,): the rows that have a picture.
        codes: the labels as given, shape (rows,), each below `classes`.
        folds: cross-validation fold of each row, shape (rows,).
        classes: how many there are.
    """
    if there.sum() < _FEWEST * classes:
        return views
    picture = _predict(vectors[there], codes[there], folds[there], classes, int(folds.max()) + 1)
    three = (views.meaning[there], views.wording[there], picture)
    odds = np.array([odds_of(rate) for rate in three_accuracies([one.argmax(axis=1) for one in three], classes)])
    weighted = [share * np.log(np.maximum(one, _TINY)) for share, one in zip(odds / odds.sum(), three, strict=True)]
    joint = softmax(np.sum(weighted, axis=0), axis=1)
    pooled = views.pooled.copy()
    pooled[there] = apply_temperature(joint, calibrate(joint, codes[there])).astype(np.float64)
    return replace(views, pooled=pooled, of_texts=views.pooled)


def _predict(vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, classes: int, fold_count: int) -> np.ndarray:
    """Out-of-fold probabilities by a linear probe of the pictures and by their class centroids, pooled."""
    each = [
        cross_validate(
            vectors,
            codes,
            folds,
            classes=classes,
            fold_count=fold_count,
            model=VIEWS[name].fit_predict,
            lowest=VIEWS[name].lowest,
        ).probabilities.astype(np.float64)
        for name in ("meaning", "centroids")
    ]
    return pool(*each)
