"""What a smaller model loses, by held-out train rows: in the mean, in the worst class, and row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from sklearn.metrics import f1_score

from tilth.learn import decide
from tilth.samples import Task
from tilth.training.compression.points import Estimate, by_chance, estimate_points, one_hot, pooled
from tilth.training.export import PackedWording
from tilth.training.heads import Head, predict_probabilities

FEWEST = 50
"""Held-out rows without which nothing can be said about points."""
ENOUGH = 1_000
"""Held-out rows below which those of further folds are measured too: of 5% flipped answers, a thousand rows tell the
points lost to within 1.4 (95%), 200 to within 3.1."""
_IN_CLASS = 10
"""Held-out rows of a class without which its own loss is chance."""


class WordingModel(Protocol):
    """The view beside the encoder's, as `tilth.training.views.view_pooling.Wording` is one."""

    @property
    def packed(self) -> PackedWording | None:
        """What is exported of it."""

    def mix(self, texts: Sequence[str], meaning: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each task's log probabilities by both views."""

    def mix_held_out(self, texts: Sequence[str], meaning: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same for held-out rows, by heads that were fitted without them."""

    def normalized(self, mixed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each task's calibrated probabilities of what was mixed."""

    def alone(self, texts: Sequence[str], truth: Mapping[str, np.ndarray]) -> Any:
        """The same for a model without an encoder; None where a task would have no answer."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a model loses against another on the same rows.

    Attributes:
        points: of 100 of macro-F1, the mean of the tasks; below 0 it gains.
        worst_points: of 100 of F1, of the class that loses most among those with rows enough; None where none has.
        worst_class: its name.
        interval: that holds the points with 95%, for as many rows as these.
        by: the points by the rows' labels and, where both counted, by the full model's probabilities.
        labeled: rows with a label.
        rows: places in the table of these and of the others that were compared, shape (rows,).
        full, codes: for each task the answers of both, shape (rows,).
    """

    points: float
    worst_points: float | None
    worst_class: str | None
    interval: tuple[float, float]
    by: Mapping[str, float]
    labeled: int
    rows: np.ndarray
    full: Mapping[str, np.ndarray]
    codes: Mapping[str, np.ndarray]

    @property
    def flips(self) -> dict[str, np.ndarray]:
        """Places of the rows whose answer is another, by task."""
        return {task: np.flatnonzero(codes != self.full[task]) for task, codes in self.codes.items()}

    def to_json(self) -> dict[str, Any]:
        """For `run.json`."""
        return {
            "points_lost": round(self.points, 2),
            "points_lost_interval": [round(end, 2) for end in self.interval],
            "points_lost_by": {name: round(points, 2) for name, points in self.by.items()},
            "measured_rows": self.labeled,
            "compared_rows": len(self.rows),
            "points_lost_worst_class": None if self.worst_points is None else round(self.worst_points, 2),
            "worst_class": self.worst_class,
            "flipped": {task: len(places) for task, places in self.flips.items()},
        }


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Rows that decide, with what the full model says of them.

    Attributes:
        tasks: parents first.
        rows: their places in the table, shape (rows,).
        texts: of the rows.
        truth: for each task, the label's code, −1 where the row has none, shape (rows,).
        wording: the other view, by heads that were fitted without these rows.
        codes: for each task the full model's answer, shape (rows,).
        probabilities: for each task the full model's, where points are counted by these, too, shape (rows, labels).
    """

    tasks: tuple[Task, ...]
    rows: np.ndarray
    texts: Sequence[str]
    truth: Mapping[str, np.ndarray]
    wording: WordingModel
    codes: Mapping[str, np.ndarray]
    probabilities: Mapping[str, np.ndarray] = field(default_factory=dict)

    def answered(self, heads: Sequence[Head], vectors: np.ndarray, *, by_probabilities: bool = False) -> HeldOut:
        """The same with the answers of heads that were fitted without these rows, on the full encoder's vectors.

        Args:
            heads: parents first.
            vectors: of the rows, shape (rows, dimensions).
            by_probabilities: whether these, too, are to say what another model loses: one that has learned nothing
                beyond the full one.
        """
        said = self._pooled(heads, vectors) if by_probabilities else {}
        return replace(self, codes=self.answers(heads, vectors), probabilities=said)

    @property
    def labeled(self) -> int:
        """Rows that have a label for any task."""
        return int(np.any([codes >= 0 for codes in self.truth.values()], axis=0).sum())

    def answers(self, heads: Sequence[Head], vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Each task's codes by heads on some vectors of the rows, pooled with the wording as the export pools them."""
        pooled = self._pooled(heads, vectors)
        return {name: codes for name, (codes, _) in decide([head.task.to_json() for head in heads], pooled).items()}

    def _pooled(self, heads: Sequence[Head], vectors: np.ndarray) -> dict[str, np.ndarray]:
        probabilities = predict_probabilities(heads, vectors)
        return self.wording.normalized(self.wording.mix_held_out(self.texts, probabilities))

    def macro_f1(self, codes: Mapping[str, np.ndarray]) -> float:
        """The mean of the tasks', over the classes that the rows have."""
        found = [_by_class(self.truth[task.name], codes[task.name])[0] for task in self._measured]
        return float(np.mean([values.mean() for values in found])) if found else float("nan")

    def loss(self, codes: Mapping[str, np.ndarray]) -> Loss:
        """What other answers lose against the full model's."""
        worst: tuple[float, str] | None = None
        for task in self._measured:
            full, classes, counts = _by_class(self.truth[task.name], self.codes[task.name])
            other, _, _ = _by_class(self.truth[task.name], codes[task.name])
            for lost, code, count in zip(100 * (full - other), classes, counts, strict=True):
                if count >= _IN_CLASS and (worst is None or lost > worst[0]):
                    worst = (float(lost), str(task.labels[code]))
        by = self._estimates(codes)
        points = pooled(by["labels"], by["probabilities"]) if "probabilities" in by else by["labels"]
        return Loss(
            points=points.value,
            worst_points=worst[0] if worst else None,
            worst_class=worst[1] if worst else None,
            interval=points.interval,
            by={name: estimate.value for name, estimate in by.items()},
            labeled=self.labeled,
            rows=self.rows,
            full=self.codes,
            codes=codes,
        )

    def _estimates(self, codes: Mapping[str, np.ndarray]) -> dict[str, Estimate]:
        """The points lost, by labels and, where there are some, by the full model's probabilities."""
        tasks = self._measured
        truths = {"labels": [one_hot(self.truth[task.name], len(task.labels)) for task in tasks]}
        if self.probabilities:
            truths["probabilities"] = [self.probabilities[task.name] for task in tasks]
        full, other = ([some[task.name] for task in tasks] for some in (self.codes, codes))
        return {name: estimate_points(truth, full, other) for name, truth in truths.items()}

    def chance(self) -> float:
        """The macro-F1 that a model reaches that knows nothing."""
        tasks = self._measured
        truths = [one_hot(self.truth[task.name], len(task.labels)) for task in tasks]
        return by_chance(truths, [self.codes[task.name] for task in tasks])

    @property
    def _measured(self) -> list[Task]:
        return [task for task in self.tasks if (self.truth[task.name] >= 0).any()]


def _by_class(truth: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The F1 of each class that the rows have, its code, and its rows."""
    known = truth >= 0
    classes, counts = np.unique(truth[known], return_counts=True)
    values = f1_score(truth[known], codes[known], labels=classes, average=None, zero_division=0)
    return np.asarray(values), classes, counts


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Further rows by which an encoder that learned from none of them is measured.

    Attributes:
        number: of the fold, from 1.
        measured: for each task its labeled rows, boolean, shape (rows,).
        fit: heads as the model's, fitted to the other rows alone.
        wording: the other view, by heads that were fitted to the other rows alone.
    """

    number: int
    measured: Mapping[str, np.ndarray]
    fit: Callable[[], list[Head]]
    wording: WordingModel


@dataclass(frozen=True, kw_only=True)
class CrossValidated:
    """Held-out rows in folds, the rows of each answered by heads that were fitted without them.

    Attributes:
        folds: the rows of each, and its heads.
    """

    folds: Sequence[tuple[HeldOut, Sequence[Head]]]

    @cached_property
    def rows(self) -> HeldOut:
        """Those of all folds together, fold by fold."""
        first, parts = self.folds[0][0], [rows for rows, _ in self.folds]
        return replace(
            first,
            rows=np.concatenate([part.rows for part in parts]),
            texts=[text for part in parts for text in part.texts],
            truth=_joined([part.truth for part in parts]),
            codes=_joined([part.codes for part in parts]),
            probabilities=_joined([part.probabilities for part in parts]),
        )

    def answers(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Each task's codes on some vectors of all rows, shape (rows, dimensions)."""
        ends = np.cumsum([len(rows.texts) for rows, _ in self.folds])[:-1]
        parts = zip(self.folds, np.split(vectors, ends), strict=True)
        found = [rows.answers(heads, some) for (rows, heads), some in parts]
        return _joined(found)


def _joined(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Each task's values of some folds, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
