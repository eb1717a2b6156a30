"""Every given label of a task, judged by models that did not learn from it, and what the policy makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.cleaning.checks import Conflict
from tilth.cleaning.label_errors import filters
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filter_selection import choose
from tilth.cleaning.label_errors.filters import Verdict
from tilth.cleaning.label_errors.multiannotator import Consensus, consensus
from tilth.cleaning.label_errors.out_of_fold_models import Beliefs, Graph, believe
from tilth.cleaning.label_errors.policy import _Columns
from tilth.learn import Evidence
from tilth.samples import Action, Split, Status, Task

FEWEST = 100
"""Labeled rows below which no error is planted: a handful of them would measure nothing."""
FEW, ENOUGH = 10, 20
"""Labeled rows a class. With fewer than 10, to drop what models doubt costs more than one wrong label in five does, so
that nothing is judged wrong (banking77 at 5 a class: macro-F1 0.65 with the wrong labels, 0.42 to 0.54 without what is
doubted; where all are right, 0.80 and 0.66 to 0.74). From 20 on errors can be planted and counted; between, two of
cleanlab's filters must agree."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of one task.

    Attributes:
        metrics: plain JSON.
        belief: the witnesses' joint probabilities, shape (rows of the frame, labels), NaN for rows that took no part.
    """

    metrics: dict[str, Any]
    belief: np.ndarray


def judge_all(
    frame: pd.DataFrame,
    tasks: Sequence[Task],
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    conflicts: Mapping[str, Conflict],
) -> dict[str, dict[str, Any]]:
    """Write every task's columns into the frame, children first so that their parents hear them; give the metrics."""
    done: dict[str, Judged] = {}
    for task in reversed(tasks):
        children = [(child, done[child.name].belief) for child in tasks if child.parent == task.name]
        below = _from_below(task, children) if children else None
        done[task.name] = judge_labels(frame, task, config, evidence, seed, conflicts[task.name], below)
    return {task.name: done[task.name].metrics for task in tasks}


def _from_below(task: Task, children: Sequence[tuple[Task, np.ndarray]]) -> np.ndarray:
    """A child's belief summed up by parent, shape (rows, labels); NaN where no child says anything."""
    index = {label: code for code, label in enumerate(task.labels)}
    parts = []
    for child, belief in children:
        up = np.zeros((len(child.labels), len(task.labels)))
        for code, label in enumerate(child.labels):
            above = [index[parent] for parent in child.parents(label) if parent in index]
            up[code, above] = 1 / max(len(above), 1)  # of several, the child does not say which
        parts.append(belief @ up)
    stacked = np.stack(parts)
    told = np.logical_not(np.any(np.isnan(stacked), axis=2))
    mean = np.where(told[:, :, None], stacked, 0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)[:, None]
    return np.where(told.any(axis=0)[:, None], mean, np.nan)


def judge_labels(
    frame: pd.DataFrame,
    task: Task,
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    conflict: Conflict,
    below: np.ndarray | None = None,
) -> Judged:
    """Write one task's columns into the frame.

    Active train rows take part (a text in another language than the encoder knows would be judged by chance); a
    class with a single row is kept and judged by nobody, what a person answered is learned from, never judged, and
    copies that contradict each other teach nobody.
    """
    codes, asked = _codes(frame, task)
    codes[conflict.rows] = -1
    counts = np.bincount(codes[codes >= 0], minlength=len(task.labels))
    rows = np.flatnonzero((codes >= 0) & (counts[codes] > 1))
    columns = _Columns(frame, task, rows)
    metrics: dict[str, Any] = {
        "judged": len(rows),
        "issues": 0,
        "actions": {},
        "single_row_classes": [label for label, count in zip(task.labels, counts, strict=True) if count == 1],
    }
    belief = np.full((len(frame), len(task.labels)), np.nan)
    present, compact = np.unique(codes[rows], return_inverse=True)
    if len(present) > 1:
        heard = None if below is None else below[rows][:, present]
        beliefs, verdict = _judged(compact, rows, config, evidence, seed, heard)
        belief[np.ix_(rows, present)] = beliefs.joint
        belief[rows] = np.nan_to_num(belief[rows])
        issue = verdict.issue & asked[rows]
        labels = task.decoded(present)
        columns.write(compact, labels, verdict, issue, config)
        metrics |= _metrics(verdict)
        if (together := _consensus(frame, task, rows, labels, beliefs, config)) is not None:
            columns.agree(compact, labels, together, asked[rows], config)
            metrics["consensus"] = together.metrics()
    columns.contradict(task.decoded(task.codes(frame[f"{task.name}_given"])), conflict)
    if len(present) > 1 or conflict.rows.any():
        metrics["issues"] = int(columns.issue.sum())
        metrics["actions"] = {word.value: int((columns.action == word.value).sum()) for word in Action}
    columns.into(frame)
    return Judged(metrics=metrics, belief=belief)


def _codes(frame: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """The label to learn from as a code, −1 for none, and whether it is for us to judge; both of shape (rows,)."""
    mine = frame["split"].eq(Split.TRAIN) & frame["status"].eq(Status.ACTIVE)
    answer = frame[f"{task.name}_answer"] if f"{task.name}_answer" in frame else pd.Series(None, frame.index, object)
    told = answer.where(answer.notna(), frame[f"{task.name}_given"])
    return np.where(mine, task.codes(told), -1), answer.isna().to_numpy(dtype=bool)


def _consensus(
    frame: pd.DataFrame, task: Task, rows: np.ndarray, labels: np.ndarray, beliefs: Beliefs, config: LabelErrorsConfig
) -> Consensus | None:
    name = f"{task.name}_annotations"
    if name not in frame:
        return None
    return consensus(frame[name].iloc[rows].tolist(), labels.tolist(), beliefs.joint, config.consensus)


def _judged(
    codes: np.ndarray,
    rows: np.ndarray,
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    below: np.ndarray | None,
) -> tuple[Beliefs, Verdict]:
    vectors, folds = evidence.embeddings()[rows], evidence.folds[rows]
    graph, classes = Graph.of(evidence.neighbors(config.neighbors, rows)), int(codes.max()) + 1

    def again(changed: np.ndarray) -> Beliefs:
        return believe(vectors, graph, changed, folds, classes, config.rounds, below)

    beliefs = again(codes)
    if len(rows) < FEW * classes:
        return beliefs, filters.none(codes, beliefs)
    if len(rows) < max(FEWEST, ENOUGH * classes):
        return beliefs, filters.cautious(codes, beliefs)
    return beliefs, choose(
        codes,
        beliefs,
        again,
        wanted=config.filter,
        least=config.planted,
        min_precision=config.min_precision,
        seed=seed,
    )


def _metrics(verdict: Verdict) -> dict[str, Any]:
    return {
        "error_rate": None if verdict.rate is None else round(verdict.rate, 4),
        "filter": verdict.name,
        "planted": verdict.planted,
        "measured": {
            name: {"precision": found.precision, "recall": found.recall, "f1": found.f1}
            for name, found in verdict.measured.items()
        },
    }
