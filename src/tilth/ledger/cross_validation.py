"""What a stage bought on train rows: the decision by which `when = "auto"` leaves a stage out.

Both tables, the one that the stage was handed and the one that it handed on, teach a probe in each fold, and both
probes predict the rows that the fold holds out. Folds go by a hash of the id, and a paraphrase is in its source's fold.

**By which labels.** Without gold no label is known to be true, and the stage itself may have changed them. A row
counts where a person gave its label, both tables hold that very label, and nobody doubts it. So a correction is not
measured by itself, nor by the label that it overruled. That leans towards the stage, and is meant to: the rows that
cleaning keeps are those that its models agree with, and a label that was propagated may have come from the very row
that is held out. A stage that does worse even on rows that favor it is left out; one that does not is kept, which is
no proof that it helps. Measuring by all given labels would lean the other way: errors that follow the text (labels of
classes that are easily confused) are learned by a probe of the uncleaned table, and would count as its successes.

**On how many rows.** At most `ROWS` rows of the input take part, those with the smallest hash of their id, so that the
answer costs seconds on any table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.ledger.measurement import Measurement, Verdict, compare, not_measured
from tilth.ledger.training_rows import TrainingRows, sample_rows, source_ids, training_rows
from tilth.samples import Origin, Source, Split, Task
from tilth.text import fold_of

ROWS = 4000
"""Of 77 classes, one probe of so many rows takes about a second on one core."""
FEWEST = 50
"""Rows to measure by; fewer, and the bootstrap's interval says nothing."""
_PEOPLE = (Origin.GIVEN, Origin.ANNOTATOR)


def measure_on_train_rows(
    before: pd.DataFrame,
    after: pd.DataFrame,
    tasks: Sequence[Task],
    vectors: np.ndarray,
    *,
    folds: int,
    seed: int,
    most: int = ROWS,
) -> Measurement:
    """Cross-validate the table that a stage handed on against the one that it was handed.

    Args:
        before: the table that it was handed; the rows of `after`, but for paraphrases at the end.
        after: the table that it handed on.
        tasks: what is classified.
        vectors: of the rows of `after`, float32, shape (rows, dimensions).
        folds: how many.
        seed: of the bootstrap.
        most: rows of the input that take part at most.
    """
    kept = sample_rows(after, most)
    with_stage = training_rows(after, tasks).at(kept)
    without = training_rows(before, tasks).padded(len(after)).at(kept)
    if with_stage.teaches_as(without):
        return Measurement(verdict=Verdict.UNCHANGED)
    truth = {task.name: _trusted(before, after, task) for task in tasks}
    for labels in truth.values():
        labels[~kept] = None
    rows = np.flatnonzero(np.any([[label is not None for label in labels] for labels in truth.values()], axis=0))
    if len(rows) < FEWEST:
        return not_measured(f"{len(rows)} rows have a label that a person gave and nobody doubts; {FEWEST} are needed")
    fold = _folds(after, folds)
    with_answers, without_answers = (_predict(one, vectors, fold, rows) for one in (with_stage, without))
    return compare({task: labels[rows] for task, labels in truth.items()}, with_answers, without_answers, seed)


def _predict(teaching: TrainingRows, vectors: np.ndarray, fold: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Out-of-fold labels of the rows, by task."""
    found = {task.name: np.full(len(rows), None, dtype=object) for task in teaching.tasks}
    for one in np.unique(fold[rows]):
        held_out, others = fold[rows] == one, teaching.at(fold != one)
        for task in teaching.tasks:
            found[task.name][held_out] = others.predict(task, vectors, rows[held_out])
    return found


def _trusted(before: pd.DataFrame, after: pd.DataFrame, task: Task) -> np.ndarray:
    """The labels to measure by, None where there is none, as objects, shape (rows after,)."""
    name = task.name
    found = np.full(len(after), None, dtype=object)
    old, new = before, after.iloc[: len(before)]
    label = new[name].to_numpy(dtype=object)
    trusted = np.asarray(old[name].to_numpy(dtype=object) == label)
    for frame in (old, new):
        trusted &= table.settled(frame, name) & frame[f"{name}_origin"].isin(_PEOPLE).to_numpy()
        trusted &= frame["source"].eq(Source.INPUT).to_numpy() & frame["split"].eq(Split.TRAIN).to_numpy()
    found[: len(old)][trusted] = label[trusted]
    return found


def _folds(frame: pd.DataFrame, folds: int) -> np.ndarray:
    return np.array([fold_of(one, folds) for one in source_ids(frame)], dtype=np.int64)
