"""The pictures of a night's rows, and what they teach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.samples import Origin, Source, Task
from tilth.stage import Resources
from tilth.training.export import Seen
from tilth.training.inputs.config import Config


@dataclass(frozen=True, kw_only=True)
class PictureRows:
    """The pictures of a night's rows, and what they teach.

    Attributes:
        vectors: float32, shape (rows, dimensions); zeros for a row without a picture.
        there: boolean, shape (rows,): rows that have one.
        has_text: boolean, shape (rows,).
        codes: for each task, the class of each row whose picture is learned from, −1 elsewhere, shape (rows,).
        settled: for each task, boolean, shape (rows,): rows whose label is sure enough to measure by.
        weights: for each task, shape (rows,).
        folds: cross-validation fold of each row, shape (rows,).
        trunk: the model of pictures where it was trained on some of them; None where it is as it came.
        unseen: boolean, shape (rows,): rows that this training did not learn from; None where there was none.
    """

    vectors: np.ndarray
    there: np.ndarray
    has_text: np.ndarray
    codes: Mapping[str, np.ndarray]
    settled: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    folds: np.ndarray
    trunk: Any = None
    unseen: np.ndarray | None = None

    @property
    def seen(self) -> Seen:
        """What every row has."""
        return Seen(vectors=self.vectors, has_picture=self.there, has_text=self.has_text)

    @property
    def labeled(self) -> np.ndarray:
        """Rows whose picture teaches any task, boolean, shape (rows,)."""
        return np.any([codes >= 0 for codes in self.codes.values()], axis=0)


def picture_rows(
    frame: pd.DataFrame, tasks: tuple[Task, ...], resources: Resources, config: Config
) -> PictureRows | None:
    """The pictures of a table and what they teach; None where there are none, or `[training] pictures` is never.

    Labels that a model of the texts' embeddings propagated teach no picture, as they teach no wording.
    """
    pictures = resources.evidence.pictures
    if pictures is None or config.pictures == "never" or not pictures.there.any():
        return None
    original = (frame["source"] != Source.PARAPHRASE).to_numpy(dtype=bool)
    codes, settled, weights = {}, {}, {}
    for task in tasks:
        taught = table.learnable_by_picture(frame, task.name) & original
        taught &= ~frame[f"{task.name}_origin"].eq(Origin.PROPAGATED).to_numpy(dtype=bool)
        codes[task.name] = np.where(taught, task.codes(frame[task.name]), -1)
        settled[task.name] = (codes[task.name] >= 0) & ~table.unsure(frame, task.name)
        weights[task.name] = table.sample_weights(frame, task.name)
    return PictureRows(
        vectors=pictures.embeddings,
        there=pictures.there,
        has_text=frame["text"].str.strip().ne("").to_numpy(dtype=bool),
        codes=codes,
        settled=settled,
        weights=weights,
        folds=resources.evidence.folds,
    )


def has_rows(frame: pd.DataFrame, task: Task, resources: Resources, config: Config) -> bool:
    """Whether a task has a row to learn from: a text, or a picture where pictures are learned."""
    if table.learnable(frame, task.name).any():
        return True
    if resources.evidence.pictures is None or config.pictures == "never":
        return False
    labels = frame[task.name][table.learnable_by_picture(frame, task.name)]
    return len(labels.unique()) > 1
