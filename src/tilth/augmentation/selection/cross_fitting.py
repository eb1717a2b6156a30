"""Label-agreement models fitted again without the rows that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.selection.gate import keeps_label
from tilth.augmentation.selection.label_agreement import (
    LabelAgreementModels,
    agreement_by_models,
    combine_tasks,
    fit_probe,
)
from tilth.learn import knowable

_MANY, _FEW_PARTS = 3000, 3
"""Labeled rows beyond which three parts are held out in turn, and not each fold: a fit is dear, and few suffice."""


class CrossFitting:
    """The night's label-agreement models, and those without one or two parts of the rows, each fitted once, on demand.

    Args:
        models: One a task; at least one knows a label.
        embeddings: Of the table's rows (rows, dimensions).
        gate: `[augmentation.gate]`.
    """

    def __init__(self, models: Sequence[LabelAgreementModels], embeddings: np.ndarray, gate: GateConfig) -> None:
        self.tasks = [task for task in models if (task.codes >= 0).any()]
        self.embeddings, self.gate = embeddings, gate
        self.parts = _parts(self.tasks)
        self.refits = [_Refits(task, embeddings, self.parts) for task in self.tasks]
        self.held_out_parts = [int(part) for part in np.unique(self.parts)]
        self._agrees: dict[int | None, np.ndarray] = {}

    @property
    def possible(self) -> bool:
        """Whether labels of two classes can be held out: where each class has one, no model of the others knows it."""
        return any(len(np.unique(task.codes[knowable(task.codes, self.parts)])) > 1 for task in self.tasks)

    def agrees(self, held_out: int | None = None) -> np.ndarray:
        """Whether models that saw neither a row's part nor the held-out one give its own text its label (rows,)."""
        if held_out not in self._agrees:
            rows = np.arange(len(self.embeddings))
            if held_out is None:
                agreement = combine_tasks([task.agreement(rows, self.embeddings) for task in self.tasks])
            else:
                agreement = self.agreement(rows, self.embeddings, held_out)
            self._agrees[held_out] = keeps_label(*agreement, self.gate)
        return self._agrees[held_out]

    def agrees_without_any_part(self) -> np.ndarray:
        """Whether the night's models, or those without any one part of the rows, agree with a row's label (rows,).

        These rows are worth paraphrasing: were only those taken with whose label the night's models agree, the labels
        of each part would have chosen the candidates for when that part is held out, and the gain would seem larger
        than it is.
        """
        held_out = [self.agrees(part) & (self.parts != part) for part in self.held_out_parts]
        return np.asarray(np.any([self.agrees(), *held_out], axis=0))

    def is_held_out(self, rows: np.ndarray, held_out: int) -> np.ndarray:
        """Whether each of the rows, -1 for none, has a label and stands in the part (rows,)."""
        labeled = np.any([task.codes >= 0 for task in self.tasks], axis=0)
        return np.asarray((rows >= 0) & labeled[rows] & (self.parts[rows] == held_out))

    def agreement(self, parents: np.ndarray, vectors: np.ndarray, held_out: int) -> tuple[np.ndarray, np.ndarray]:
        """As `LabelAgreementModels.agreement`, over all tasks by models that did not see the held-out part either."""
        agreements = []
        for refit in self.refits:
            models = {part: refit.without(held_out, part) for part in map(int, np.unique(self.parts[parents]))}
            agreements.append(
                agreement_by_models(
                    refit.task.codes[parents], self.parts[parents], models, refit.without(held_out), vectors,
                    refit.task.classes, refit.task.temperature,
                )
            )  # fmt: skip
        return combine_tasks(agreements)


def _parts(tasks: Sequence[LabelAgreementModels]) -> np.ndarray:
    labeled = max(int((task.codes >= 0).sum()) for task in tasks)
    return tasks[0].folds % _FEW_PARTS if labeled > _MANY else tasks[0].folds


class _Refits:
    """One task's probes without some parts of its rows, each fitted once; the night's own where parts are folds."""

    def __init__(self, task: LabelAgreementModels, embeddings: np.ndarray, parts: np.ndarray) -> None:
        self.task, self._embeddings, self._parts = task, embeddings, parts
        self._fitted: dict[frozenset[int], Any] = {}
        if np.array_equal(parts, task.folds):
            self._fitted = {frozenset({fold}): model for fold, model in enumerate(task.models)}

    def without(self, *left_out: int) -> Any:
        """The probe of the rows outside these parts, or None where they have fewer than two classes."""
        key = frozenset(left_out)
        if key not in self._fitted:
            training = (self.task.codes >= 0) & ~np.isin(self._parts, left_out)
            self._fitted[key] = fit_probe(self._embeddings[training], self.task.codes[training], self.task.classes)
        return self._fitted[key]
