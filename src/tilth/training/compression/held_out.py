"""What a smaller model loses, by held-out train rows: in the mean, in the worst class, and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.metrics import f1_score

from tilth.learn import decide
from tilth.samples import Task
from tilth.training.export import PackedWording
from tilth.training.heads import Head, predict_probabilities

FEWEST = 50
"""Held-out rows without which nothing can be said about points."""
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
        full, codes: for each task the answers of both, shape (rows,).
    """

    points: float
    worst_points: float | None
    worst_class: str | None
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
            "points_lost_worst_class": None if self.worst_points is None else round(self.worst_points, 2),
            "worst_class": self.worst_class,
            "flipped": {task: len(places) for task, places in self.flips.items()},
        }


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Rows that decide, with what the full model says of them.

    Attributes:
        tasks: parents first.
        texts: of the rows.
        truth: for each task, the label's code, −1 where the row has none, shape (rows,).
        wording: the other view, by heads that were fitted without these rows.
        codes: for each task the full model's answer, shape (rows,).
    """

    tasks: tuple[Task, ...]
    texts: Sequence[str]
    truth: Mapping[str, np.ndarray]
    wording: WordingModel
    codes: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls,
        tasks: tuple[Task, ...],
        texts: Sequence[str],
        truth: Mapping[str, np.ndarray],
        wording: WordingModel,
        heads: Sequence[Head],
        vectors: np.ndarray,
    ) -> HeldOut:
        """With the answers of heads that were fitted without these rows, on the full encoder's vectors."""
        rows = cls(tasks=tasks, texts=texts, truth=truth, wording=wording, codes={})
        return cls(tasks=tasks, texts=texts, truth=truth, wording=wording, codes=rows.answers(heads, vectors))

    def answers(self, heads: Sequence[Head], vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Each task's codes by heads on some vectors of the rows, pooled with the wording as the export pools them."""
        probabilities = predict_probabilities(heads, vectors)
        pooled = self.wording.normalized(self.wording.mix_held_out(self.texts, probabilities))
        return {name: codes for name, (codes, _) in decide([head.task.to_json() for head in heads], pooled).items()}

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
        return Loss(
            points=100 * (self.macro_f1(self.codes) - self.macro_f1(codes)),
            worst_points=worst[0] if worst else None,
            worst_class=worst[1] if worst else None,
            full=self.codes,
            codes=codes,
        )

    def chance(self) -> float:
        """The macro-F1 of giving everybody the most frequent label."""
        most = {}
        for task in self.tasks:
            known = self.truth[task.name][self.truth[task.name] >= 0]
            most[task.name] = np.full(len(self.texts), np.bincount(known).argmax() if len(known) else 0)
        return self.macro_f1(most)

    @property
    def _measured(self) -> list[Task]:
        return [task for task in self.tasks if (self.truth[task.name] >= 0).any()]


def _by_class(truth: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The F1 of each class that the rows have, its code, and its rows."""
    known = truth >= 0
    classes, counts = np.unique(truth[known], return_counts=True)
    values = f1_score(truth[known], codes[known], labels=classes, average=None, zero_division=0)
    return np.asarray(values), classes, counts
