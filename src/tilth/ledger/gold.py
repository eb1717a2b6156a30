"""What each stage bought on gold rows, for the reader; nothing is decided by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.learn import Labels
from tilth.ledger.leave_one_out import ANSWERS, MEASURED, without_stage
from tilth.ledger.measurement import Measurement, Verdict, compare, not_measured
from tilth.ledger.probe_rows import NO_TEXTS, TrainingRows, sample_rows, training_rows
from tilth.samples import Task

ROWS = 10_000
"""Rows of the input that a probe learns from at most."""


def measure_on_gold(
    frames: Mapping[str, pd.DataFrame], tasks: Sequence[Task], vectors: np.ndarray, *, seed: int
) -> dict[str, Measurement]:
    """Leave each stage out of the last table, and measure a probe of the rest on the gold rows.

    Args:
        frames: by `input` or a stage's name, the table that it handed on, in the order of the night.
        tasks: what is classified, parents before children.
        vectors: of the last table's rows, float32, shape (rows, dimensions).
        seed: of the bootstrap.

    Returns:
        By stage, of those that are in `frames` and can be left out.
    """
    last = list(frames.values())[-1]
    truth, rows = gold_truth(last, tasks)
    names = [name for name in (*MEASURED, ANSWERS) if name in frames]
    if not len(rows):
        return dict.fromkeys(names, not_measured("there are no gold rows"))
    kept = sample_rows(last, ROWS)
    everything = training_rows(last, tasks).at(kept)
    if everything.nothing:
        return dict.fromkeys(names, not_measured(NO_TEXTS))
    answers = predict(everything, vectors, rows)
    measurements = {}
    for name in names:
        if name == ANSWERS and not _answered(last, tasks):
            measurements[name] = not_measured("people have answered none of its questions yet")
            continue
        rest = _rest(frames, name, tasks, last).at(kept)
        if everything.trains_like(rest):
            measurements[name] = Measurement(verdict=Verdict.UNCHANGED, rows=len(rows))
        else:
            measurements[name] = compare(truth, answers, predict(rest, vectors, rows), seed)
    return measurements


def measure_model_on_gold(frame: pd.DataFrame, tasks: Sequence[Task], vectors: np.ndarray, *, seed: int) -> Measurement:
    """The model that training exported against the probe of the same rows."""
    if any(f"{task.name}_predicted" not in frame for task in tasks):
        return not_measured("no model was trained")
    truth, rows = gold_truth(frame, tasks)
    if not len(rows):
        return not_measured("there are no gold rows")
    learned = training_rows(frame, tasks).at(sample_rows(frame, ROWS))
    if learned.nothing:
        return not_measured(NO_TEXTS)
    model = {task: table.label_array(frame[f"{task}_predicted"])[rows] for task in truth}
    return compare(truth, model, predict(learned, vectors, rows), seed)


def gold_truth(frame: pd.DataFrame, tasks: Sequence[Task]) -> tuple[Labels, np.ndarray]:
    """The gold rows' labels by task, of tasks that have any, and the rows' positions."""
    labels = {task.name: table.label_array(table.gold_labels(frame, task.name)) for task in tasks}
    known = {task: np.array([label is not None for label in values], dtype=bool) for task, values in labels.items()}
    rows = np.flatnonzero(np.any(list(known.values()), axis=0)) if known else np.zeros(0, dtype=np.int64)
    return {task: values[rows] for task, values in labels.items() if known[task].any()}, rows


def predict(teaching: TrainingRows, vectors: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a probe of these rows says of others, by task."""
    return {task.name: teaching.predict(task, vectors, rows) for task in teaching.tasks}


def _rest(frames: Mapping[str, pd.DataFrame], name: str, tasks: Sequence[Task], last: pd.DataFrame) -> TrainingRows:
    """What the last table teaches without a stage, aligned with its rows; a row that the stage made teaches nothing."""
    frame = without_stage(frames, name, tasks).set_index("id").reindex(last["id"])
    return training_rows(frame.reset_index(), tasks)


def _answered(frame: pd.DataFrame, tasks: Sequence[Task]) -> bool:
    names = [f"{task.name}_answer" for task in tasks]
    return any(frame[name].notna().any() for name in names if name in frame)
