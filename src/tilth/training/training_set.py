"""What the rows of a table teach, at which weight, and by which of them models are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.learn import OutOfFold
from tilth.samples import Origin, Source, Task
from tilth.stage import Resources
from tilth.text import fold_of

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the rows teach.

    Attributes:
        tasks: those with something to learn, parents first.
        codes: for each task, the class of each row, −1 where it does not teach, shape (rows,).
        weights: for each task, shape (rows,).
        held: boolean, shape (rows,): the hold-out by which decisions are made; paraphrases fall with their source.
        original: boolean, shape (rows,): no paraphrase.
        propagated: for each task, boolean, shape (rows,): a model of the embeddings gave the row its label.
        judged: for each task, what models say of rows that they did not learn from; `labeled` are those to measure by.
    """

    tasks: tuple[Task, ...]
    codes: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    held: np.ndarray
    original: np.ndarray
    propagated: Mapping[str, np.ndarray]
    judged: Mapping[str, OutOfFold]

    @property
    def taught(self) -> np.ndarray:
        """Rows that teach any task."""
        return np.any([codes >= 0 for codes in self.codes.values()], axis=0)

    def without_propagated(self) -> Rows:
        """The same without the labels that a model of the embeddings gave."""
        codes = {name: np.where(self.propagated[name], -1, values) for name, values in self.codes.items()}
        return replace(self, codes=codes)


def rows_of(frame: pd.DataFrame, tasks: tuple[Task, ...], resources: Resources) -> Rows:
    """What a table's rows teach these tasks."""
    original = (frame["source"] != Source.PARAPHRASE).to_numpy()
    codes, weights, propagated, judged = {}, {}, {}, {}
    for task in tasks:
        learnable = table.learnable(frame, task.name)
        codes[task.name] = np.where(learnable, task.codes(frame[task.name]), -1)
        weights[task.name] = table.sample_weights(frame, task.name)
        # A paraphrase beside its source in another fold would flatter the estimate, and what a model propagated is no
        # truth to measure by, so that neither takes part.
        given = frame[task.name].where(table.settled(frame, task.name) & original, None).tolist()
        propagated[task.name] = learnable & frame[f"{task.name}_origin"].eq(Origin.PROPAGATED).to_numpy(dtype=bool)
        if propagated[task.name].any():
            judged[task.name] = resources.evidence.self_trained(task, given, table.unlabeled(frame, task.name))
        else:
            judged[task.name] = resources.evidence.out_of_fold(task, given)
    family = frame["parent_id"].where(~original, frame["id"]).fillna(frame["id"])
    held = np.array([fold_of(row_id, FOLDS) == 0 for row_id in family], dtype=bool)
    return Rows(
        tasks=tasks, codes=codes, weights=weights, held=held, original=original, propagated=propagated, judged=judged
    )
