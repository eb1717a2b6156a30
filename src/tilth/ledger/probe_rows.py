"""What a table teaches: labels and weights of the rows that training would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth import learn
from tilth import samples as table
from tilth.samples import Source, Split, Task
from tilth.text import unit_interval

NO_TEXTS = "no row with a text has a label, and it is measured by a simple model of texts"
"""Why nothing is measured where pictures alone are labeled."""


@dataclass(frozen=True, kw_only=True)
class TrainingRows:
    """The rows of a table that training would take, by task.

    Attributes:
        tasks: what is classified.
        codes: class codes, -1 where the task does not learn from the row, int64, shape (rows,).
        weights: of each row, float64, shape (rows,).
    """

    tasks: tuple[Task, ...]
    codes: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]

    def at(self, rows: np.ndarray) -> TrainingRows:
        """The same of some rows, by position or mask; the others teach nothing."""
        kept = np.zeros(len(next(iter(self.codes.values()))), dtype=bool)
        kept[rows] = True
        codes = {name: np.where(kept, values, -1) for name, values in self.codes.items()}
        return TrainingRows(tasks=self.tasks, codes=codes, weights=self.weights)

    def padded(self, rows: int) -> TrainingRows:
        """The same with rows at the end, up to so many, that teach nothing."""
        missing = rows - len(next(iter(self.codes.values())))
        codes = {name: np.append(values, np.full(missing, -1)) for name, values in self.codes.items()}
        weights = {name: np.append(values, np.ones(missing)) for name, values in self.weights.items()}
        return TrainingRows(tasks=self.tasks, codes=codes, weights=weights)

    @property
    def nothing(self) -> bool:
        """Whether no row teaches any task."""
        return not any((codes >= 0).any() for codes in self.codes.values())

    def trains_like(self, other: TrainingRows) -> bool:
        """Whether both hold the same labels, with the same weights, for the same rows."""
        for task in self.tasks:
            codes, others = self.codes[task.name], other.codes[task.name]
            labeled = codes >= 0
            same = np.array_equal(codes, others) and np.array_equal(
                self.weights[task.name][labeled], other.weights[task.name][labeled]
            )
            if not same:
                return False
        return True

    def predict(self, task: Task, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The labels that a probe of these rows gives to others, as objects, shape (others,); None without any label.

        Args:
            task: which one.
            vectors: of all rows of the table, float32, shape (rows, dimensions).
            rows: positions of those to predict.
        """
        codes = self.codes[task.name]
        labeled = codes >= 0
        if not labeled.any():
            return np.full(len(rows), None, dtype=object)
        probabilities = learn.fit_predict(
            vectors[labeled],
            codes[labeled],
            vectors[rows],
            len(task.labels),
            self.weights[task.name][labeled],
        )
        return task.decoded(probabilities.argmax(axis=1))


def training_rows(frame: pd.DataFrame, tasks: Sequence[Task]) -> TrainingRows:
    """What a table teaches; gold rows, and what a stage set aside, teach nothing."""
    codes, weights = {}, {}
    for task in tasks:
        codes[task.name] = table.learnable_codes(frame, task)
        weights[task.name] = table.sample_weights(frame, task.name)
    return TrainingRows(tasks=tuple(tasks), codes=codes, weights=weights)


def sample_rows(frame: pd.DataFrame, most: int) -> np.ndarray:
    """Which rows take part where a table is long, boolean, shape (rows,).

    Of the input's rows, gold aside, those with the smallest hash of their id; of paraphrases, those of such a row.
    """
    free = frame["split"].ne(Split.GOLD) & frame["source"].eq(Source.INPUT)
    ids = sorted(frame.loc[free, "id"], key=lambda one: unit_interval(f"ledger {one}"))[:most]
    return np.asarray(source_ids(frame).isin(set(ids)))


def source_ids(frame: pd.DataFrame) -> pd.Series:
    """Each row's own id; of a paraphrase, its source's."""
    return frame["parent_id"].where(frame["source"].eq(Source.PARAPHRASE), frame["id"])
