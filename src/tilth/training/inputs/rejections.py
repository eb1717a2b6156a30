"""Rows that the exported model rejects, for a person: the next night's queue asks about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.samples import Source, Split, Status, Task
from tilth.stage import Question, register_source

if TYPE_CHECKING:
    from tilth.training.export import Answers

OUT_OF_SCOPE = "out_of_scope"
_MOST = 200
"""Rows that are handed on, those of the lowest scores: several nights' queues."""

register_source(OUT_OF_SCOPE, seconds=6.0)  # a label, or "none of these", as for a row without one


def rejected_rows(frame: pd.DataFrame, tasks: Sequence[Task], answers: Answers) -> tuple[Question, ...]:
    """Questions about rows without a label that are out of scope, the strangest first.

    Args:
        frame: the table.
        tasks: those that the model answers, parents first; the last one's label is asked.
        answers: the exported model's, one a row.
    """
    task = tasks[-1]
    mask = (
        answers.out_of_scope
        & table.unlabeled(frame, task.name)
        & frame["status"].eq(Status.ACTIVE).to_numpy()
        & frame["source"].eq(Source.INPUT).to_numpy()
        & frame["split"].ne(Split.GOLD).to_numpy()
    )
    places = np.flatnonzero(mask)
    strangest = places[np.argsort(answers.scope[places], kind="stable")][:_MOST]
    return tuple(
        Question.about(
            str(frame["id"].iloc[place]),
            str(frame["text"].iloc[place]),
            detector=OUT_OF_SCOPE,
            reason="the model was trained on nothing like it: it may be of no class, or of one that lacks such rows",
            doubt=float(np.clip(1 - answers.confidence[task.name][place], 0, 1)),
            task=task.name,
            belief=str(task.labels[code]) if (code := int(answers.codes[task.name][place])) >= 0 else None,
        )
        for place in strangest.tolist()
    )
