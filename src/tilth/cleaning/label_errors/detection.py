"""Every given label, compared with models that did not learn from it, and what the policy makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import progress
from tilth.cleaning.checks import Conflict
from tilth.cleaning.label_errors import filters
from tilth.cleaning.label_errors.answered_suspects import correct_by_answers
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import Verdict
from tilth.cleaning.label_errors.label_quality import spread_of
from tilth.cleaning.label_errors.model_verdict import FEW, carried_probes, verdict_by_models
from tilth.cleaning.label_errors.models import ModelProbabilities, meaning_view
from tilth.cleaning.label_errors.multiannotator import Consensus, consensus
from tilth.cleaning.label_errors.operating_point import curve, precision_interval
from tilth.cleaning.label_errors.parent_labels import Child, right_by_children, summed_by_parent
from tilth.cleaning.label_errors.picture_labels import verdict_by_pictures
from tilth.cleaning.label_errors.policy import LabelColumns
from tilth.learn import Evidence
from tilth.samples import Action, Split, Status, Task, picture_alone


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What came of one task.

    Attributes:
        metrics: plain JSON.
        probabilities: the evidence models' joint ones, shape (rows of the frame, labels), NaN for rows that took no
            part.
        right: the probability that each given label is right, shape (rows of the frame,), NaN where nobody can say.
    """

    metrics: dict[str, Any]
    probabilities: np.ndarray
    right: np.ndarray


def find_label_errors(
    frame: pd.DataFrame,
    tasks: Sequence[Task],
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    conflicts: Mapping[str, Conflict],
) -> dict[str, dict[str, Any]]:
    """Write every task's columns into the frame, and return the metrics.

    Children come first, so that the models of their parents take theirs into account.
    """
    results: dict[str, TaskResult] = {}
    for task in reversed(tasks):
        children = [
            Child(task=child, probabilities=found.probabilities, right=found.right)
            for child in tasks
            if child.parent == task.name and (found := results[child.name])
        ]
        results[task.name] = check_task(frame, task, config, evidence, seed, conflicts[task.name], children)
        progress.found(f"{task.name}_issue", results[task.name].metrics["issues"])
    return {task.name: results[task.name].metrics for task in tasks}


def check_task(
    frame: pd.DataFrame,
    task: Task,
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    conflict: Conflict,
    children: Sequence[Child] = (),
) -> TaskResult:
    """Write one task's columns into the frame.

    Active train rows take part (a text in another language than the encoder knows would be flagged by chance); a class
    with a single row is kept as it is, a person's answer is learned from and never flagged, and nothing is learned from
    copies that contradict each other.
    """
    codes, checked = _codes(frame, task)
    codes[conflict.rows] = -1
    counts = np.bincount(codes[codes >= 0], minlength=len(task.labels))
    rows = np.flatnonzero((codes >= 0) & (counts[codes] > 1))
    columns = LabelColumns(frame, task, rows)
    metrics: dict[str, Any] = {
        "judged": len(rows),
        "issues": 0,
        "actions": {},
        "single_row_classes": [label for label, count in zip(task.labels, counts, strict=True) if count == 1],
    }
    probabilities = None
    present = np.unique(codes[rows])
    if len(present) > 1:
        probabilities, found = _check_texts(
            frame, task, codes, checked, rows, columns, config, evidence, seed, children
        )
        metrics |= found
    if alone := _check_pictures_alone(frame, task, config, evidence, columns):
        metrics |= {"judged": metrics["judged"] + alone["judged"], "pictures_alone": alone}
    columns.write_conflicts(task.decoded(task.codes(frame[f"{task.name}_given"])), conflict)
    if len(present) > 1 or conflict.rows.any() or alone:
        metrics["issues"] = int(columns.issue.sum())
        metrics["actions"] = {word.value: int((columns.action == word.value).sum()) for word in Action}
    columns.store_in(frame)
    if probabilities is None:
        probabilities = np.full((len(frame), len(task.labels)), np.nan, dtype=np.float32)
    # Of few rows nobody can say how many labels are wrong, and so how likely one is.
    right = columns.right if metrics.get("filter") == filters.TWO_VIEWS else np.full(len(frame), np.nan)
    return TaskResult(metrics=metrics, probabilities=probabilities, right=right)


def _check_texts(
    frame: pd.DataFrame,
    task: Task,
    codes: np.ndarray,
    checked: np.ndarray,
    rows: np.ndarray,
    columns: LabelColumns,
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    children: Sequence[Child],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Write the columns of rows with a text, of two classes or more; the models' probabilities and the metrics."""
    present, compact = np.unique(codes[rows], return_inverse=True)
    fit = carried_probes(task, rows, task.decoded(present).tolist(), evidence)
    from_children = summed_by_parent(task, children)[rows][:, present] if children else None
    view = meaning_view(task, codes, rows, config.neighbors, evidence)
    by_models, verdict = verdict_by_models(
        compact, rows, view, config, evidence, seed, from_children, fit if view.is_whole else None
    )
    verdict, by_answers = correct_by_answers(verdict, frame, task.name, rows, config, seed)
    if children:
        verdict = right_by_children(verdict, frame, task, rows, children, config)
    # Made once the models are through: of many rows and classes each such array is large.
    probabilities = np.full((len(frame), len(task.labels)), np.nan, dtype=np.float32)
    probabilities[np.ix_(rows, present)] = by_models.joint
    probabilities[rows] = np.nan_to_num(probabilities[rows])
    labels = task.decoded(present)
    columns.write(compact, labels, verdict, checked[rows], config)
    metrics = _metrics(verdict, config) | by_answers
    if (together := _consensus(frame, task, rows, labels, by_models, config)) is not None:
        columns.write_consensus(compact, labels, together, checked[rows], config)
        metrics["consensus"] = together.metrics()
    return probabilities, metrics


def _check_pictures_alone(
    frame: pd.DataFrame, task: Task, config: LabelErrorsConfig, evidence: Evidence, columns: LabelColumns
) -> dict[str, int]:
    """Write the columns of rows with a picture alone; how many were judged and flagged, nothing without such rows."""
    mine = picture_alone(frame)
    if not mine.any() or evidence.pictures is None:
        return {}
    codes, checked = _codes(frame, task, mine)
    counts = np.bincount(codes[codes >= 0], minlength=len(task.labels))
    rows = np.flatnonzero((codes >= 0) & (counts[codes] > 1))
    present, compact = np.unique(codes[rows], return_inverse=True)
    if len(present) < 2:
        return {}
    verdict = verdict_by_pictures(compact, rows, FEW, config, evidence)
    if verdict is None:
        return {}
    issue = verdict.issue & checked[rows]
    columns.of(rows).write(compact, task.decoded(present), verdict, checked[rows], config)
    return {"judged": len(rows), "issues": int(issue.sum())}


def _codes(frame: pd.DataFrame, task: Task, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The label to learn from as a code, −1 for none, and whether it may be flagged; both of shape (rows,).

    `among` are the rows that take part, boolean, shape (rows,); None takes all that have a text.
    """
    part = ~picture_alone(frame) if among is None else among
    active = frame["split"].eq(Split.TRAIN) & frame["status"].eq(Status.ACTIVE) & part
    answer = frame[f"{task.name}_answer"] if f"{task.name}_answer" in frame else pd.Series(None, frame.index, object)
    label = answer.where(answer.notna(), frame[f"{task.name}_given"])
    if f"{task.name}_none" in frame:  # by a person's word no class fits
        label = label.mask(frame[f"{task.name}_none"].fillna(False).astype(bool), None)
    return np.where(active, task.codes(label), -1), answer.isna().to_numpy(dtype=bool)


def _consensus(
    frame: pd.DataFrame,
    task: Task,
    rows: np.ndarray,
    labels: np.ndarray,
    probabilities: ModelProbabilities,
    config: LabelErrorsConfig,
) -> Consensus | None:
    name = f"{task.name}_annotations"
    if name not in frame:
        return None
    return consensus(frame[name].iloc[rows].tolist(), labels.tolist(), probabilities.joint, config.consensus)


def _metrics(verdict: Verdict, config: LabelErrorsConfig) -> dict[str, Any]:
    """What came of one task's labels, as plain JSON."""
    metrics: dict[str, Any] = {"error_rate": None}
    measured: dict[str, dict[str, Any]] = {
        name: {"precision": score.precision, "recall": score.recall, "f1": score.f1}
        for name, score in verdict.measured.items()
    }
    if (rate := verdict.rate) is not None:
        metrics = {"error_rate": round(rate.share, 4), "error_rate_interval": [round(rate.low, 4), round(rate.high, 4)]}
        if verdict.name == filters.TWO_VIEWS:
            unsure = spread_of(rate)
            ends = precision_interval(verdict.wrong, verdict.issue, unsure)
            measured[verdict.name]["precision_interval"] = [round(end, 4) for end in ends]
            metrics |= {"prefer": config.prefer, "curve": curve(verdict.wrong, unsure)}
    return metrics | {"filter": verdict.name, "planted": verdict.injected, "measured": measured}
