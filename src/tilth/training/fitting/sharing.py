"""What it buys that the tasks share one encoder: trained on all of them, and on each alone, by held-out rows."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.learn import difference, why_no_score
from tilth.samples import Task
from tilth.training.fitting.head_fitting import fit_task_head
from tilth.training.fitting.mode_comparison import Trial
from tilth.training.inputs import TrainingSet, tuning_rows
from tilth.training.modes import MODES

if TYPE_CHECKING:
    from tilth.training.modes import TuningJob

log = logging.getLogger(__name__)

FEWEST = 1000
"""Held-out rows of a task, below which its two scores say less of their difference than the trainings cost, each as
long as the first: of 1,000 rows of which 50 are classified otherwise, the 95% interval is 1.4 points wide to either
side."""


def what_sharing_bought(
    texts: pd.Series, tuning_set: TrainingSet, trial: Trial, job: TuningJob, mode: str, date: str
) -> dict[str, Any]:
    """The scores of the encoder that was trained on all tasks, beside those of one trained on each task alone.

    All are trained by the same mode for as many steps, and measured by linear heads on the held-out rows.

    Args:
        texts: of the table.
        tuning_set: what the encoder learned from, of two tasks at the least.
        trial: the encoder that learned all tasks.
        job: how it was trained.
        mode: by which mode.
        date: of the night.

    Returns:
        For `run.json`: the date, and for each task the held-out rows, both macro-F1s, the 95% interval of their
        difference, or why it was not measured.
    """
    tasks: dict[str, Any] = {}
    for position, task in enumerate(tuning_set.tasks):
        rows = tuning_set.measured(task) & (tuning_set.codes[task.name] >= 0)
        why = why_no_score(tuning_set.codes[task.name][rows].tolist())
        if int(rows.sum()) < FEWEST or why is not None:
            tasks[task.name] = {"rows": int(rows.sum()), "why": why or f"fewer than {FEWEST} held-out rows"}
            continue
        head = job.heads[position]
        places = np.flatnonzero(tuning_set.codes[task.name] >= 0)
        one = replace(
            tuning_set, tasks=(task,), codes={task.name: tuning_set.codes[task.name]},
            weights={task.name: tuning_set.weights[task.name]}, named={},
        )  # fmt: skip
        log.info("the encoder is trained on %s alone, to compare", task.name)
        alone = MODES[mode].trained(replace(job, rows=tuning_rows(texts, one, places), heads=[head]))
        embeddings = np.zeros_like(trial.embeddings)
        embeddings[places] = alone.vectors
        by_itself = fit_task_head(one, task, embeddings, one.outside_hold_out).probabilities(embeddings[rows])
        joint = fit_task_head(one, task, trial.embeddings, one.outside_hold_out).probabilities(trial.embeddings[rows])
        tasks[task.name] = _compared(task, tuning_set.codes[task.name][rows], joint, by_itself, job.seed)
    return {"date": date, "tasks": tasks}


def _compared(task: Task, truth: np.ndarray, joint: np.ndarray, alone: np.ndarray, seed: int) -> dict[str, float | int]:
    labels = [{task.name: task.decoded(codes)} for codes in (truth, joint.argmax(axis=1), alone.argmax(axis=1))]
    found = difference(labels[0], labels[1], labels[2], seed)
    return {
        "rows": len(truth),
        "joint": round(found.ours, 4),
        "alone": round(found.other, 4),
        "gain": round(found.ours - found.other, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }
