"""Evidence models: out-of-fold predictions of each label, by models fitted again without the rows that they doubt.

Three of unlike kinds, since their errors differ: the nearest rows in embedding space, a linear discriminant in
closed form, and the linear probe. The first two are cheap, so they are fitted in rounds, each row weighed by the
probability that the last round gave its label (the idea of iterated self-weighting in co-teaching and SELF, Nguyen et
al. 2020); the probe is fitted twice: on the rows whose label they agree with, and on all of them, for what the first
two doubt are also the hard rows, without which it knows less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.special import softmax

from tilth.cleaning.label_errors.models.discriminant import FoldMoments
from tilth.learn import FittedProbe, Neighbors, fit_probes, fit_temperature, pool, probes_from

FitProbes: TypeAlias = Callable[[str, np.ndarray], list[FittedProbe]]
"""From a name, and class codes with -1 for rows that nothing is learned from, to one linear probe a fold."""

_WIDTH = 0.05
"""Cosine distance over which a neighbor's weight falls by a factor e."""
_SMOOTHING = 1e-2
"""What every class gets beside its neighbors' weights, so that none is impossible."""
_HALF = 0.5
_TINY = 1e-3
_LOGITS = (0.02, 60.0)
"""Temperatures to choose from: scores of a discriminant are far larger than log probabilities."""
_BLOCK = 65_536
"""Rows whose probabilities are computed at a time, in double precision; what is kept of all rows is float32."""


@dataclass(frozen=True, kw_only=True)
class NeighborGraph:
    """The nearest labeled rows of each labeled row, and the weights of their labels, shape (rows, k)."""

    neighbors: Neighbors
    weights: np.ndarray

    @classmethod
    def of(cls, neighbors: Neighbors) -> NeighborGraph:
        """The graph of rows among which the nearest were sought."""
        return cls(neighbors=neighbors, weights=np.exp((neighbors.similarities.astype(np.float64) - 1) / _WIDTH))

    def class_weights(self, codes: np.ndarray, row_weights: np.ndarray, classes: int) -> np.ndarray:
        """The weight of the neighbors that have each class, float32, shape (rows, classes)."""
        near, found = self.neighbors.rows, np.empty((len(codes), classes), dtype=np.float32)
        for first in range(0, len(codes), _BLOCK):
            part = near[first : first + _BLOCK]
            cells = np.arange(len(part))[:, None] * classes + codes[part]
            weights = self.weights[first : first + _BLOCK] * row_weights[part]
            counted = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=len(part) * classes)
            found[first : first + _BLOCK] = counted.reshape(len(part), classes)
        return found


@dataclass(frozen=True, kw_only=True)
class ModelProbabilities:
    """The evidence models' out-of-fold probabilities.

    Attributes:
        neighbors, linear, of_all_rows, joint: probabilities of each class by the neighbors, by the linear probe of the
            rows whose label the cheap models agree with, by that of all rows, and by all models; float32, shape (rows,
            classes).
        for_want_of_rows: share of rows on which models err that would not, had they more rows; see the same.
        model_error_estimate: what each row adds to the share of rows on which models err, shape (rows,); see
            `_model_error_estimate`.
    """

    neighbors: np.ndarray
    linear: np.ndarray
    of_all_rows: np.ndarray
    joint: np.ndarray
    model_error_estimate: np.ndarray
    for_want_of_rows: float


def fit_evidence_models(
    vectors: np.ndarray,
    graph: NeighborGraph,
    codes: np.ndarray,
    folds: np.ndarray,
    classes: int,
    rounds: int,
    from_children: np.ndarray | None = None,
    fit: FitProbes | None = None,
) -> ModelProbabilities:
    """Fit the evidence models, and predict every labeled row by models that did not learn from its label.

    Args:
        vectors: L2-normalized, shape (rows, dimensions).
        graph: of these vectors.
        codes: the labels as given, shape (rows,), each below `classes` and each class at least once.
        folds: cross-validation fold of each row, shape (rows,).
        classes: how many there are.
        rounds: fits of the cheap models.
        from_children: probabilities of these classes by the models of the child tasks, shape (rows, classes); NaN in
            rows that have none.
        fit: fits the linear probes, or takes those of an earlier night; None fits them here.
    """
    fit = fit or (lambda _, learned: _fit_here(vectors, learned, folds, classes))
    weights, place = np.ones(len(codes)), np.arange(len(codes))
    for turn in range(rounds):
        by_neighbors = _calibrated(np.log(graph.class_weights(codes, weights, classes) + _SMOOTHING), codes)
        moments = FoldMoments.of(vectors, codes, folds, weights, classes)
        by_discriminant = _calibrated(moments.scores(vectors), codes)
        if turn == 0:
            half = moments.scores(vectors, part=0.5).argmax(axis=1)
            predicted = by_neighbors.argmax(axis=1), by_discriminant.argmax(axis=1)
            model_error_estimate, for_want_of_rows = _model_error_estimate(codes, half, *predicted)
        cheap = pool(by_neighbors, by_discriminant)
        weights = cheap[place, codes] / cheap.max(axis=1)
    agreed = np.where(cheap.argmax(axis=1) == codes, codes, -1)
    linear = _by_fold(fit("linear probes of the agreed rows", agreed), vectors, folds)
    of_all_rows = _by_fold(fit("linear probes of all rows", codes), vectors, folds)
    joint = pool(by_neighbors, linear, of_all_rows)
    if from_children is not None:
        known = ~np.isnan(from_children).any(axis=1)
        joint[known] = pool(joint[known], from_children[known])
    return ModelProbabilities(
        neighbors=by_neighbors,
        linear=linear,
        of_all_rows=of_all_rows,
        joint=joint,
        model_error_estimate=model_error_estimate,
        for_want_of_rows=for_want_of_rows,
    )


def _model_error_estimate(
    codes: np.ndarray, half: np.ndarray, by_neighbors: np.ndarray, by_discriminant: np.ndarray
) -> tuple[np.ndarray, float]:
    """How often models of these rows err, estimated by where two of unlike kinds differ; shape (rows,).

    Two that err alike and independently differ twice as often as one of them errs. What both get wrong for want of
    rows they do not differ in: that share is about what half of the rows lose against all of them, for errors fall
    with the number of rows as its inverse does.

    `by_neighbors` and `by_discriminant` are the classes that these hold most probable, and `half` those of a
    discriminant of half of the rows, shape (rows,).
    """
    for_want_of_rows = max(0.0, float((half != codes).mean() - (by_discriminant != codes).mean()))
    differ = by_neighbors != by_discriminant
    return np.asarray(differ * (_HALF + for_want_of_rows / max(float(differ.mean()), _TINY))), for_want_of_rows


def _calibrated(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    temperature = fit_temperature(logits, codes, *_LOGITS)
    probabilities = np.empty(logits.shape, dtype=np.float32)
    for first in range(0, len(logits), _BLOCK):
        part = slice(first, first + _BLOCK)
        probabilities[part] = softmax(logits[part].astype(np.float64) / temperature, axis=1)
    return probabilities


def _fit_here(vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, classes: int) -> list[FittedProbe]:
    parts = [folds != fold for fold in range(int(folds.max()) + 1)]
    return probes_from(fit_probes(vectors, codes, parts, classes))


def _by_fold(probes: list[FittedProbe], vectors: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Probabilities of each row by the probe of its fold, which did not learn from it; shape (rows, classes)."""
    probabilities = np.empty((len(vectors), len(probes[0].bias)), dtype=np.float32)
    for fold in np.unique(folds):
        probabilities[folds == fold] = probes[fold].probabilities(vectors[folds == fold])
    return probabilities
