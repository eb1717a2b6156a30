"""What a stage bought on train rows: the decision by which `when = "auto"` leaves a stage out.

Both tables, the one that the stage was handed and the one that it handed on, teach a probe in each fold, and both
probes predict the rows that the fold holds out. Folds go by a hash of the id, and a paraphrase is in its source's fold.

**By which labels.** Without gold no label is known to be true, and the stage itself may have changed them. So there
are two estimates, which lean either way.

By the labels that the stage leaves as they are: those that a person gave, that both tables hold and nobody doubts. A
correction is not measured by itself, nor by the label that it overruled. That leans towards the stage: the rows that
cleaning keeps are those that its models agree with, and a label that was propagated may have come from the very row
that is held out.

By all labels as they were given, before the stage. That leans towards the table without: errors that follow the text
(labels of classes that are easily confused) are learned by its probe, and count as successes.

A stage harms where the interval of one difference lies below zero, and that of the other does not lie above; it helps
where the former lies above, and the latter not below.

**On how many rows.** At most `ROWS` rows of the input take part, those with the smallest hash of their id, so that the
answer costs seconds on any table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.ledger.measurement import Measurement, Verdict, compare, not_measured
from tilth.ledger.probe_rows import NO_TEXTS, TrainingRows, sample_rows, source_ids, training_rows
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
    if with_stage.nothing and without.nothing:
        return not_measured(NO_TEXTS)
    if with_stage.trains_like(without):
        return Measurement(verdict=Verdict.UNCHANGED)
    given = {task.name: _trusted(before, before, task, kept) for task in tasks}
    agreed = {task.name: _trusted(before, after, task, kept) for task in tasks}
    if (count := int(_known(agreed).sum())) < FEWEST:
        return not_measured(f"{count} rows have a label that a person gave and nobody doubts; {FEWEST} are needed")
    rows, fold = np.flatnonzero(_known(given)), _folds(after, folds)
    with_answers, without_answers = (_predict(one, vectors, fold, rows) for one in (with_stage, without))

    def by(truth: dict[str, np.ndarray]) -> Measurement:
        labels = {task: values[rows] for task, values in truth.items()}
        return compare(labels, with_answers, without_answers, seed)

    return _both(by(agreed), by(given))


def _both(by_agreed: Measurement, by_given: Measurement) -> Measurement:
    """One measurement of the two that lean either way: see above."""
    verdicts = {by_agreed.verdict, by_given.verdict}
    verdict = by_agreed.verdict
    if verdicts == {Verdict.HELPS, Verdict.HARMS}:
        verdict = Verdict.NO_DIFFERENCE
    elif Verdict.HARMS in verdicts:
        verdict = Verdict.HARMS
    return replace(by_agreed, verdict=verdict, by_given=by_given)


def _predict(teaching: TrainingRows, vectors: np.ndarray, fold: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Out-of-fold labels of the rows, by task."""
    predictions = {task.name: np.full(len(rows), None, dtype=object) for task in teaching.tasks}
    for one in np.unique(fold[rows]):
        held_out, others = fold[rows] == one, teaching.at(fold != one)
        for task in teaching.tasks:
            predictions[task.name][held_out] = others.predict(task, vectors, rows[held_out])
    return predictions


def _known(truth: dict[str, np.ndarray]) -> np.ndarray:
    """The rows that have a label of any task to measure by."""
    return np.any([[label is not None for label in labels] for labels in truth.values()], axis=0)


def _trusted(before: pd.DataFrame, after: pd.DataFrame, task: Task, kept: np.ndarray) -> np.ndarray:
    """The labels to measure by that both tables hold, None where there is none, as objects, shape (rows,)."""
    name = task.name
    labels = np.full(len(kept), None, dtype=object)
    old, new = before, after.iloc[: len(before)]
    label = new[name].to_numpy(dtype=object)
    trusted = np.asarray(old[name].to_numpy(dtype=object) == label)
    for frame in (old, new):
        trusted &= table.settled(frame, name) & frame[f"{name}_origin"].isin(_PEOPLE).to_numpy()
        trusted &= frame["source"].eq(Source.INPUT).to_numpy() & frame["split"].eq(Split.TRAIN).to_numpy()
    labels[: len(old)][trusted] = label[trusted]
    labels[~kept] = None
    return labels


def _folds(frame: pd.DataFrame, folds: int) -> np.ndarray:
    return np.array([fold_of(one, folds) for one in source_ids(frame)], dtype=np.int64)
