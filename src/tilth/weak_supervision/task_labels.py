"""One task's weak labels: from its functions' votes, or from the text where it has no functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Origin, Task
from tilth.stage import Figure
from tilth.weak_supervision import figures
from tilth.weak_supervision.label_choice import Labels, known_labels, labels_of_votes
from tilth.weak_supervision.models import (
    TEXT_MODEL,
    propagate,
    weak_label_columns,
)
from tilth.weak_supervision.night_inputs import NightInputs
from tilth.weak_supervision.screening import Screening, screen_functions
from tilth.weak_supervision.voting import Ballot


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What came of one task.

    Attributes:
        columns: of the whole table, by name.
        metrics: plain JSON.
        figures: for the report.
        screening: of its functions, where it has any.
    """

    columns: dict[str, np.ndarray]
    metrics: dict[str, Any]
    figures: list[Figure]
    screening: Screening = field(default_factory=Screening)


@dataclass(frozen=True, kw_only=True)
class _Votes:
    """The votes of a task's functions on the rows that are not gold.

    Attributes:
        task: the task.
        ballots: one a function.
        matrix: int64, shape (rows, functions), -1 abstains.
        truth: current labels as codes, shape (rows,), -1 for none.
    """

    task: Task
    ballots: Sequence[Ballot]
    matrix: np.ndarray
    truth: np.ndarray


def label_from_text(inputs: NightInputs, task: Task) -> TaskResult | None:
    """Label the rows that nobody labeled by a text model; None where there is nothing to do so from or to."""
    truth = known_labels(inputs.frame, task)
    propagated = propagate(inputs.frame, task, truth, inputs.resources.evidence, inputs.config.propagate)
    if propagated is None:
        return None
    return TaskResult(
        columns=propagated.columns(task), metrics=propagated.metrics(), figures=[propagated.figure(task.name)]
    )


def label_from_votes(inputs: NightInputs, task: Task, ballots: Sequence[Ballot]) -> TaskResult:
    """Label the rows that are not gold by the votes of the task's functions.

    Args:
        inputs: the night's.
        task: whose labels.
        ballots: of the task's functions, one or more.
    """
    matrix = np.column_stack([ballot.column for ballot in ballots]).astype(np.int64)
    truth = known_labels(inputs.rows, task)
    screening = screen_functions(inputs, ballots, matrix, truth)
    used = np.array([screening.passes(ballot) for ballot in ballots]) & (matrix >= 0).any(axis=0)
    voting = [ballot.function for ballot, voted in zip(ballots, used, strict=True) if voted]
    by_text = None

    def text_is_refused() -> bool:
        nonlocal by_text
        by_text = label_from_text(inputs, task)
        return by_text is not None and bool(by_text.metrics["why_not"])

    labels = labels_of_votes(inputs, matrix[:, used], truth, task, voting, text_is_refused)
    sure = labels.confidence >= inputs.config.min_confidence - 1e-6
    disputed = _disputed(inputs, task, truth, labels)
    columns = weak_label_columns(len(inputs.frame), inputs.free, task, labels.codes, labels.confidence, sure)
    for_review = inputs.free[disputed & (inputs.config.disputes == "review")]
    columns[f"{task.name}_disputed"] = np.isin(np.arange(len(inputs.frame)), for_review)
    metrics = {
        "functions": len(ballots),
        "used": int(used.sum()),
        **_label_metrics(labels, truth, matrix[:, used], sure),
        "disputed": int(disputed.sum()),
        "raised": {ballot.function.name: ballot.failures for ballot in ballots if ballot.failures},
        "calls": sum(ballot.calls for ballot in ballots),
    }
    votes = _Votes(task=task, ballots=ballots, matrix=matrix, truth=truth)
    shown = _figures(inputs.rows, votes, screening, labels, disputed)
    if by_text is not None:
        shown += by_text.figures
    if by_text is not None and labels.choice.name == TEXT_MODEL:
        columns |= by_text.columns
        of_functions = ("functions", "used", "label_model")
        metrics |= {name: value for name, value in by_text.metrics.items() if name not in of_functions}
    return TaskResult(columns=columns, metrics=metrics, figures=shown, screening=screening)


def _disputed(inputs: NightInputs, task: Task, truth: np.ndarray, labels: Labels) -> np.ndarray:
    """Rows whose given label votes and texts together contradict, boolean, shape (rows,)."""
    given = (truth >= 0) & inputs.rows[f"{task.name}_origin"].eq(Origin.GIVEN).to_numpy(dtype=bool)
    sure = labels.confidence >= inputs.config.dispute_above
    return np.asarray(given & (labels.codes >= 0) & (labels.codes != truth) & sure)


def _label_metrics(labels: Labels, truth: np.ndarray, matrix: np.ndarray, sure: np.ndarray) -> dict[str, Any]:
    measured, voted = sure & (truth >= 0), (matrix >= 0).any(axis=1)
    agreement = float((labels.codes[measured] == truth[measured]).mean()) if measured.any() else None
    return {
        "label_model": labels.choice.name,
        "label_model_by": labels.choice.by,
        "label_model_scores": {name: round(score, 4) for name, score in labels.choice.scores.items()},
        "rows": len(truth),
        "voted_on": int(voted.sum()),
        "coverage": round(float(voted.mean()), 4),
        "weakly_labeled": int(sure.sum()),
        "weakly_labeled_without_label": int((sure & (truth < 0)).sum()),
        "agreement_with_labels": None if agreement is None else round(agreement, 4),
        "agreement_measured_on": int(measured.sum()),
    }


def _figures(
    rows: pd.DataFrame, votes: _Votes, screening: Screening, labels: Labels, disputed: np.ndarray
) -> list[Figure]:
    task, ballots, matrix, truth = votes.task, votes.ballots, votes.matrix, votes.truth
    left_out = {ballot.function.name for ballot in ballots if not screening.passes(ballot)}
    shown = [figures.summary(task.name, ballots, matrix, truth, left_out)]
    if labels.choice.scores:
        shown.append(figures.models(task.name, labels.choice))
    names = [ballot.function.name for ballot in ballots]
    if (pairs := figures.correlated(task.name, names, matrix)) is not None:
        shown.append(pairs)
    if disputed.any():
        given, predicted = task.decoded(truth[disputed]), task.decoded(labels.codes[disputed])
        confidence = labels.confidence[disputed]
        shown.append(figures.disputed(task.name, rows[disputed], given, predicted, confidence))
    return shown
