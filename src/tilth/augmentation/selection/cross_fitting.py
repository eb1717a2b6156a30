"""Label-agreement models refitted without the rows that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilth.augmentation.selection.config import GateConfig
from tilth.augmentation.selection.gate import keeps_label
from tilth.augmentation.selection.label_agreement import TaskJudges, agreement_of, together, trained_on
from tilth.learn import knowable

_MANY, _FEW_PARTS = 3000, 3
"""Labeled rows beyond which three parts are held out in turn, and not each fold: a fit is dear, and few suffice."""


class Proving:
    """The night's judges, and those without one or two parts of the rows, each made once and when it is asked.

    Args:
        judges: One a task; at least one knows a label.
        rows: The table's embeddings (rows, dimensions).
        gate: `[augmentation.gate]`.
    """

    def __init__(self, judges: Sequence[TaskJudges], rows: np.ndarray, gate: GateConfig) -> None:
        self.judges = [found for found in judges if (found.codes >= 0).any()]
        self.rows, self.gate = rows, gate
        self.parts = _parts(self.judges)
        self.refits = [_Refits(found, rows, self.parts) for found in self.judges]
        self.held = [int(part) for part in np.unique(self.parts)]
        self._vouched: dict[int | None, np.ndarray] = {}

    @property
    def possible(self) -> bool:
        """Whether labels of two classes can be held out: where each class has one, no model of the others knows it."""
        return any(len(np.unique(found.codes[knowable(found.codes, self.parts)])) > 1 for found in self.judges)

    def vouched(self, held: int | None = None) -> np.ndarray:
        """Whether judges that saw neither a row's part nor the held one give its own text its label (rows,)."""
        if held not in self._vouched:
            every = np.arange(len(self.rows))
            if held is None:
                own = together([found.agreement(every, self.rows) for found in self.judges])
            else:
                own = self.agreement(every, self.rows, held)
            self._vouched[held] = keeps_label(*own, self.gate)
        return self._vouched[held]

    def vouched_by_any(self) -> np.ndarray:
        """Whether the night's judges or those of any part held out do so (rows,).

        These rows are worth drawing: were only those of the night's judges drawn, the labels of each part would have
        chosen what is offered when that part is held out, and the gain would seem larger than it is.
        """
        every = [self.vouched(), *(self.vouched(held) & (self.parts != held) for held in self.held)]
        return np.asarray(np.any(every, axis=0))

    def holds(self, rows: np.ndarray, held: int) -> np.ndarray:
        """Whether each of the rows, -1 for none, has a label and stands in the part (rows,)."""
        labeled = np.any([found.codes >= 0 for found in self.judges], axis=0)
        return np.asarray((rows >= 0) & labeled[rows] & (self.parts[rows] == held))

    def agreement(self, parents: np.ndarray, vectors: np.ndarray, held: int) -> tuple[np.ndarray, np.ndarray]:
        """As `TaskJudges.agreement`, over all tasks and by judges that did not see the part `held` either."""
        judged = []
        for one in self.refits:
            models = {other: one.without(held, other) for other in map(int, np.unique(self.parts[parents]))}
            judged.append(
                agreement_of(
                    one.found.codes[parents], self.parts[parents], models, one.without(held), vectors,
                    len(one.found.task.labels), one.found.temperature,
                )
            )  # fmt: skip
        return together(judged)


def _parts(judges: Sequence[TaskJudges]) -> np.ndarray:
    known = max(int((found.codes >= 0).sum()) for found in judges)
    return judges[0].folds % _FEW_PARTS if known > _MANY else judges[0].folds


class _Refits:
    """One task's judges without some parts of its rows, each made once; the night's own where parts are folds."""

    def __init__(self, found: TaskJudges, rows: np.ndarray, parts: np.ndarray) -> None:
        self.found, self.parts, self._rows = found, parts, rows
        self._made: dict[frozenset[int], Any] = {}
        if np.array_equal(parts, found.folds):
            self._made = {frozenset({fold}): model for fold, model in enumerate(found.models)}

    def without(self, *left_out: int) -> Any:
        """The judge of the rows outside these parts, or None where there was nothing to tell apart."""
        key = frozenset(left_out)
        if key not in self._made:
            taught = (self.found.codes >= 0) & ~np.isin(self.parts, left_out)
            self._made[key] = trained_on(self._rows[taught], self.found.codes[taught])
        return self._made[key]
