"""Predictions for each row by models that did not learn from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.learn.models.linear_probe import FittedProbe, fit_probe
from tilth.learn.models.views import Features, FitPredict, SomeRows
from tilth.learn.probabilities import apply_temperature, calibrate


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """Predictions for each row by models that did not learn from it.

    Attributes:
        probabilities: float32, shape (rows, labels), calibrated by one temperature; columns in `task.labels` order.
        labeled: boolean, shape (rows,): the rows whose label took part. Each is predicted by a model that did not
            learn from it; the others by the mean of all fold models, or by one of all labels.
        temperature: what the logits were divided by; 1 = the models were calibrated already.
    """

    probabilities: np.ndarray
    labeled: np.ndarray
    temperature: float

    @property
    def confidence(self) -> np.ndarray:
        """Each row's largest probability, shape (rows,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def predicted(self) -> np.ndarray:
        """Each row's most probable class, as an index, shape (rows,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As the cache holds it; `labeled` follows from the labels."""
        return {"probabilities": self.probabilities, "temperature": np.array([self.temperature], dtype=np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], codes: np.ndarray) -> OutOfFold:
        """From `to_arrays`, and the labels that it was made from, -1 for none, shape (rows,)."""
        return cls(
            probabilities=arrays["probabilities"], labeled=codes >= 0, temperature=float(arrays["temperature"][0])
        )


def cross_validate(
    features: Features,
    codes: np.ndarray,
    folds: np.ndarray,
    *,
    classes: int,
    fold_count: int,
    model: FitPredict,
    lowest: float = 0.2,
    rows: np.ndarray | None = None,
    by_blocks: bool = False,
) -> OutOfFold:
    """Out-of-fold probabilities of a model; a row without a label gets the mean of all fold models.

    Args:
        features: what the model reads of the rows, shape (rows, dimensions).
        codes: class codes, -1 for rows without a label, shape (rows,).
        folds: each row's fold, below `fold_count`, shape (rows,).
        classes: how many classes there are in all.
        fold_count: how many folds there are in all.
        model: of a view.
        lowest: the smallest temperature to calibrate by.
        rows: positions among `features` of the rows that codes and folds are of; None takes all. It spares a copy.
        by_blocks: the model takes `SomeRows` of the features, and no fold's rows are copied at once.
    """

    def predict(fold: int, held_out: np.ndarray) -> np.ndarray:
        training = np.flatnonzero((codes >= 0) & (folds != fold))
        test = np.flatnonzero(held_out)
        learned, asked = (training, test) if rows is None else (rows[training], rows[test])
        if by_blocks:
            return model(SomeRows(features, learned), codes[training], SomeRows(features, asked), classes)
        return model(features[learned], codes[training], features[asked], classes)

    return calibrated(_by_fold(predict, codes, folds, classes, fold_count), codes, folds, lowest)


def predict_by_folds(
    probes: Sequence[FittedProbe], features: np.ndarray, codes: np.ndarray, folds: np.ndarray
) -> OutOfFold:
    """As `cross_validate`, by linear probes that are fitted already, one a fold in which nothing of it was learned."""

    def predict(fold: int, rows: np.ndarray) -> np.ndarray:
        return probes[fold].probabilities(features[rows])

    return calibrated(_by_fold(predict, codes, folds, len(probes[0].bias), len(probes)), codes, folds)


def _by_fold(
    predict: Callable[[int, np.ndarray], np.ndarray], codes: np.ndarray, folds: np.ndarray, classes: int, count: int
) -> np.ndarray:
    """Each labeled row by its fold's model, and the others by the mean of all; float32, shape (rows, classes)."""
    labeled = codes >= 0
    probabilities = np.zeros((len(codes), classes), dtype=np.float32)
    for fold in range(count):
        rows = (labeled & (folds == fold)) | ~labeled
        if rows.any():
            probabilities[rows] += predict(fold, rows) / np.where(labeled[rows], 1, count)[:, None]
    return probabilities


def fit_probes(
    vectors: np.ndarray, codes: np.ndarray, parts: Sequence[np.ndarray], classes: int, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Linear probes of the same rows, each without some of them, as `probes_from` reads them.

    Args:
        vectors: float32, shape (rows, dimensions).
        codes: class codes, -1 for rows that nothing is learned from, shape (rows,).
        parts: for each probe, which rows it may learn from, boolean, shape (rows,).
        classes: how many there are in all.
        weights: of the rows, shape (rows,).
    """
    probes = []
    for part in parts:
        rows = np.flatnonzero(part & (codes >= 0))
        probes.append(fit_probe(vectors[rows], codes[rows], classes, None if weights is None else weights[rows]))
    return stacked(probes)


def stacked(probes: Sequence[FittedProbe]) -> dict[str, np.ndarray]:
    """Probes as named arrays, which `probes_from` reads."""
    return {"weight": np.stack([one.weight for one in probes]), "bias": np.stack([one.bias for one in probes])}


def probes_from(arrays: Mapping[str, np.ndarray]) -> list[FittedProbe]:
    """The probes that such arrays hold."""
    return [FittedProbe(weight, bias) for weight, bias in zip(arrays["weight"], arrays["bias"], strict=True)]


def calibrated(probabilities: np.ndarray, codes: np.ndarray, folds: np.ndarray, lowest: float = 0.2) -> OutOfFold:
    """Out-of-fold probabilities, calibrated by the one temperature that suits their labels best.

    Args:
        probabilities: float32, shape (rows, classes).
        codes: class codes, -1 for rows without a label, shape (rows,).
        folds: each row's fold, shape (rows,).
        lowest: the smallest temperature.
    """
    measured = knowable(codes, folds)
    temperature = calibrate(probabilities[measured], codes[measured], lowest)
    return OutOfFold(
        probabilities=apply_temperature(probabilities, temperature), labeled=codes >= 0, temperature=temperature
    )


def knowable(codes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The labeled rows that models of the other folds could get right: those folds hold a label of their class.

    Args:
        codes: class codes, -1 for none, shape (rows,).
        folds: each row's fold, shape (rows,).

    >>> knowable(np.array([0, 0, 1, -1]), np.array([0, 1, 0, 1])).tolist()
    [True, True, False, False]
    """
    counts = np.zeros((codes.max(initial=0) + 1, folds.max(initial=0) + 1), dtype=np.int64)
    labeled = codes >= 0
    np.add.at(counts, (codes[labeled], folds[labeled]), 1)
    return labeled & (counts.sum(axis=1)[codes] > counts[codes, folds])
