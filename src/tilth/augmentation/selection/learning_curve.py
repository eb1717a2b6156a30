"""What more labels would be worth: the learning curve of the night's own rows, before any paraphrase is generated.

A row and its paraphrases count together as much as a row without, so that paraphrases say at most what as many more
real rows would say as there are rows to paraphrase; what was measured of them says a fifth of that. What real rows
would be worth is read off the errors of the linear probe, trained on half, on three quarters and on all of the labels,
at rows that it did not see: they fall by a power of the number of labels (Cortes et al. 1993, "Learning Curves:
Asymptotic Values and Rate of Convergence"; Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically").
Paraphrases are used where the 95% interval of their cross-validated gain lies above zero. As many rows fewer show how
wide that is: a gain of less than half of it, or of less than a single row, could not be seen, whatever was generated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.augmentation.selection.cross_fitting import CrossFitting
from tilth.augmentation.selection.label_agreement import LabelAgreementModels, fit_probe, probe_probabilities
from tilth.augmentation.selection.scoring import difference_interval, labeled_rows, mean_macro_f1
from tilth.learn import f1_counts, knowable
from tilth.text import unit_interval

_SHARES = (0.5, 0.75, 1.0)
_HALVED = 4  # labels of a class that can be held out in part, and the rest halved
_REAL = 0.2
"""What a paraphrased row is worth of a real one. Of banking77 with five labels a class, as many paraphrased rows as
there are add a fifth of what as many real ones add to a model of words, a thirtieth to one of vectors."""
_SOME = 60
"""Labels in a class of usual size, below which three points are too noisy to say that errors hardly fall."""
_FEW_POWER = 0.5
"""By which power they then fall at the least: of banking77, from one label a class to ten, by the 0.46th to 0.49th."""


@dataclass(frozen=True)
class ClassWorth:
    """One class: its labels, its F1 with all of them, and what its share of the further rows would add to that."""

    task: str
    label: str
    labels: int
    f1: float
    gain: float


@dataclass(frozen=True)
class Worth:
    """What paraphrases are expected to be worth, and which gain could be seen.

    Attributes:
        rows: How many rows would be paraphrased, by what their paraphrases count.
        gain: What they would add to macro-F1, mean over tasks.
        visible: Half the width of the 95% interval of a difference that so many real rows make; a single row at least.
        curve: (training labels, macro-F1, mean over tasks) for half, three quarters and all.
        classes: The largest gains first.
    """

    rows: int
    gain: float
    visible: float
    curve: tuple[tuple[int, float], ...]
    classes: tuple[ClassWorth, ...]

    @property
    def enough(self) -> bool:
        """Whether there is a gain that cross-validation could see."""
        return self.gain >= self.visible

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Worth:
        """From what `dataclasses.asdict` gives."""
        curve = tuple((int(labels), float(score)) for labels, score in values["curve"])
        return cls(**{**values, "curve": curve, "classes": tuple(ClassWorth(**one) for one in values["classes"])})


def estimate_worth(
    cross_fitting: CrossFitting, ids: Sequence[str], sources: np.ndarray, weight: float, *, seed: int
) -> Worth | None:
    """Draws the curve by cross-validation over the parts that the paraphrases' own would hold out.

    Args:
        cross_fitting: The night's label-agreement models, and those without one part each.
        ids: Of all rows; their hash settles which make up a half.
        sources: Rows that would be paraphrased.
        weight: What the paraphrases of a row count together beside it, at most.
        seed: Of the bootstrap.

    Returns:
        None where labels are too few for a curve, there is one class alone, or no row would be paraphrased.
    """
    tasks, labeled = cross_fitting.tasks, labeled_rows(cross_fitting.tasks)
    if not len(sources) or not _enough_labels(cross_fitting, labeled, _HALVED):
        return None
    order = np.argsort([unit_interval(f"curve:{row_id}") for row_id in ids], kind="stable")
    points = [_point(cross_fitting, order, share) for share in _SHARES]
    rows = max(1, round(weight * len(sources)))
    # As many rows fewer change as much as as many more, but of a few labels no more than a quarter is left out.
    fewer = points[1] if 4 * rows >= len(labeled) else _point(cross_fitting, order, 1 - rows / len(labeled))
    low, high = difference_interval(tasks, points[-1].predictions, fewer.predictions, seed)
    at_least = 0.0 if _enough_labels(cross_fitting, labeled, _SOME) else _FEW_POWER
    by_task = [
        _class_worths(cross_fitting, points, place, _REAL * weight * _sizes(task, sources), at_least)
        for place, task in enumerate(tasks)
    ]
    return Worth(
        rows=rows,
        gain=float(np.mean([np.mean([one.gain for one in classes]) for classes in by_task])),
        visible=max((high - low) / 2, 1 / len(labeled)),
        curve=tuple((point.labels, mean_macro_f1(tasks, point.predictions, labeled)) for point in points),
        classes=tuple(sorted((one for classes in by_task for one in classes), key=lambda one: -one.gain)),
    )


def _enough_labels(cross_fitting: CrossFitting, labeled: np.ndarray, fewest: int) -> bool:
    """Whether two classes can be held out, and a class of usual size has enough labels to halve."""
    every = [_sizes(task, labeled) for task in cross_fitting.tasks]
    sizes = [size[size > 0] for size in every]
    usual, classes = min(float(np.median(size)) for size in sizes), max(map(len, sizes))
    return classes > 1 and cross_fitting.possible and usual >= max(fewest, _HALVED)


@dataclass(frozen=True)
class _Point:
    """A point of the curve, for each task: predictions for all labeled rows, and each class's training labels."""

    predictions: list[np.ndarray]
    training_labels: list[np.ndarray]

    @property
    def labels(self) -> int:
        return round(max(float(sizes.sum()) for sizes in self.training_labels))


def _point(cross_fitting: CrossFitting, order: np.ndarray, share: float) -> _Point:
    """By probes that are trained on the first `share` of each class outside the part that is held out."""
    predictions, training_labels = [], []
    for task, refits in zip(cross_fitting.tasks, cross_fitting.refits, strict=True):
        predicted, sizes = np.zeros(len(task.codes), dtype=np.int64), np.zeros(task.classes)
        for part in cross_fitting.held_out_parts:
            held_out = (task.codes >= 0) & (cross_fitting.parts == part)
            rows = _first(task.codes, order[(task.codes >= 0)[order] & ~held_out[order]], share)
            if share == 1:
                probe = refits.without(part)
            else:
                probe = fit_probe(cross_fitting.embeddings[rows], task.codes[rows], task.classes)
            if held_out.any():
                probabilities = probe_probabilities(probe, cross_fitting.embeddings[held_out], task.classes)
                predicted[held_out] = probabilities.argmax(axis=1)
            sizes += _sizes(task, rows) / len(cross_fitting.held_out_parts)
        predictions.append(predicted)
        training_labels.append(sizes)
    return _Point(predictions, training_labels)


def _first(codes: np.ndarray, rows: np.ndarray, share: float) -> np.ndarray:
    """Of each class the first `share` of the rows, at least one."""
    classes = pd.Series(codes[rows])
    rank, size = classes.groupby(classes).cumcount(), classes.groupby(classes).transform("size")
    return np.sort(rows[(rank < np.ceil(share * size)).to_numpy(dtype=bool)])


def _sizes(task: LabelAgreementModels, rows: np.ndarray) -> np.ndarray:
    """How many of the rows have each label."""
    codes = task.codes[rows]
    return np.bincount(codes[codes >= 0], minlength=task.classes)


def _class_worths(
    cross_fitting: CrossFitting, points: Sequence[_Point], place: int, more: np.ndarray, at_least: float
) -> list[ClassWorth]:
    """What further rows, `more` of each class, would add to each class of a task that has a label.

    Errors of all classes fall by one power, by `at_least`, which the task's mean error says: a single class's, on some
    dozens of rows, is mostly chance.
    """
    task = cross_fitting.tasks[place]
    labeled, predictable = np.flatnonzero(task.codes >= 0), np.flatnonzero(knowable(task.codes, cross_fitting.parts))
    total = _sizes(task, labeled)
    present = np.flatnonzero(total)
    overlaps = [f1_counts(task.codes[labeled], point.predictions[place][labeled], len(total)) for point in points]
    errors = np.array([1 - 2 * correct[present] / size[present] for correct, size in overlaps])
    # No probe of the other parts knows a class that only the held-out one has, whatever is added.
    learnable = _sizes(task, predictable)[present] > 0
    labels = np.array([point.training_labels[place].sum() for point in points])
    power = max(at_least, _power(errors[:, learnable].mean(axis=1), labels)) if learnable.any() else 0.0
    gains = np.where(learnable, errors[-1] * (1 - (1 + more[present] / total[present]) ** -power), 0.0)
    return [
        ClassWorth(task.task.name, task.task.labels[code], int(total[code]), 1 - float(error), float(gain))
        for code, error, gain in zip(present, errors[-1], gains, strict=True)
    ]


def _power(error: np.ndarray, labels: np.ndarray) -> float:
    """By which power of the labels the error falls, by least squares over the logarithms; at least 0.

    >>> round(_power(np.array([0.4, 0.2]), np.array([100, 400])), 3)
    0.5
    """
    if (error <= 0).any():  # there is no logarithm, and nothing left to win
        return 0.0
    x, y = np.log(labels), np.log(error)
    x = x - x.mean()
    return max(0.0, -float((x * y).sum() / (x**2).sum()))
