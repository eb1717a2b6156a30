"""Labels where no function votes: a text model's predictions for the rows that nobody labeled, where they do no harm.

Self-training (Scudder 1965; Yarowsky 1995), each predicted label weighted by its probability. A second linear probe
learns from the predictions of a first one, and of label spreading, on the unlabeled rows. Where the second is better on
held-out labels, it labels the rows; where it is worse, no row is labeled; else the first one labels them. This helps or
harms as the model is good or bad on this data, so that both are measured, on labels that neither learned from. Where
most labels are the only one of their class none can be held out, and the second probe labels unmeasured. So it does
where there are hardly any labels, and the names of the classes are learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.learn import Evidence, OutOfFold, knowable, scores
from tilth.samples import Task
from tilth.stage import Figure
from tilth.weak_supervision.models.label_columns import weak_label_columns

LIKELY = 0.5
"""Probability of a label from which a row without any gets it."""
FEWEST = 20
"""Labels below which nothing can be measured."""
_ALONE = "Not measured, for most labels are the only one of their class, and a held-out one would have no model"
_BY_NAMES = "Not measured, for there are hardly any labels: the model starts from what the classes are called"


@dataclass(frozen=True, kw_only=True)
class Propagated:
    """What the text model predicts, and how good that is.

    Attributes:
        label: codes, shape (rows,), -1 where it labels nothing.
        confidence: its probability of that label, shape (rows,), NaN where it was not applied.
        without, with_predicted: macro-F1 and accuracy of the probe on held-out labels, without such rows and with them;
            empty where none could be held out.
        measured_on: how many labels those are.
        why_not: why nothing is labeled, or None.
        by_names: whether there are too few labels to learn from without the names of the classes.
    """

    label: np.ndarray
    confidence: np.ndarray
    without: dict[str, float]
    with_predicted: dict[str, float]
    measured_on: int
    why_not: str | None
    by_names: bool = False

    def columns(self, task: Task) -> dict[str, np.ndarray]:
        """The task's columns."""
        labeled, size = self.label >= 0, len(self.label)
        columns = weak_label_columns(size, np.arange(size), task, self.label, self.confidence, labeled)
        return columns | {f"{task.name}_propagated": labeled}

    def metrics(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "functions": 0,
            "used": 0,
            "label_model": "text",
            "weakly_labeled": int((self.label >= 0).sum()),
            "weakly_labeled_without_label": int((self.label >= 0).sum()),
            "measured_on": self.measured_on,
            "without": self.without,
            "with": self.with_predicted,
            "why_not": self.why_not,
            "by_names": self.by_names,
        }

    def figure(self, task: str) -> Figure:
        """Both measurements, for the report."""
        rows = [
            [name, score.get("macro_f1"), score.get("accuracy")]
            for name, score in (
                ("the labels alone", self.without),
                ("and rows labeled by the text", self.with_predicted),
            )
        ]
        result = (
            self.why_not or f"{int((self.label >= 0).sum())} rows are labeled, each at the weight of its confidence"
        )
        unmeasured = _BY_NAMES if self.by_names else _ALONE
        on = f"Cross-validated on {self.measured_on} labels" if self.measured_on else unmeasured
        return Figure(
            kind="table",
            title=f"{task}: rows that nobody labeled",
            data={"columns": ["the linear probe learns from", "macro-F1", "accuracy"], "rows": rows},
            note=f"{on}. {result[0].upper()}{result[1:]}.",
        )


def propagate(frame: pd.DataFrame, task: Task, truth: np.ndarray, evidence: Evidence, wanted: str) -> Propagated | None:
    """A text model's labels for the rows that nobody labeled.

    Args:
        frame: the whole table.
        task: whose labels.
        truth: labels by people or the input as codes, shape (rows,), -1 for none.
        evidence: on the same rows.
        wanted: `auto`, `always` or `never`.

    Returns:
        None where there is nothing to propagate, from or to: of few labels nothing is, unless the classes' names are
        learned from (`Evidence.named`).
    """
    unlabeled, labels = table.unlabeled(frame, task.name), task.decoded(truth).tolist()
    if wanted == "never" or not unlabeled.any():
        return None
    held_out = _held_out(truth, evidence.folds)
    by_names = held_out is None
    if held_out is None:
        if len(np.unique(evidence.named(task, labels).codes)) < 2:
            return None
        held_out = np.zeros(len(truth), dtype=bool)
    before, after = evidence.out_of_fold(task, labels), evidence.self_trained(task, labels, unlabeled)
    change = _change(after, before, truth, held_out) if held_out.any() else 1
    teacher = after if change > 0 else before
    sure = unlabeled & (teacher.confidence >= LIKELY)
    label, confidence = np.where(sure, teacher.predicted, -1), np.where(unlabeled, teacher.confidence, np.nan)
    without, with_predicted = (
        _scores(predictions, truth, held_out, task) if held_out.any() else {} for predictions in (before, after)
    )
    why_not = None
    if not sure.any():
        why_not = f"no row is as sure as {LIKELY}"
    elif wanted == "auto" and change < 0:
        why_not = f"accuracy would fall from {without['accuracy']} to {with_predicted['accuracy']}"
    return Propagated(
        label=np.full(len(frame), -1) if why_not else label,
        confidence=confidence,
        without=without,
        with_predicted=with_predicted,
        measured_on=int(held_out.sum()),
        why_not=why_not,
        by_names=by_names,
    )


def _held_out(truth: np.ndarray, folds: np.ndarray) -> np.ndarray | None:
    """The labels to measure by, boolean, shape (rows,); None where there are too few to learn from or to measure by."""
    labeled, held_out = truth >= 0, knowable(truth, folds)
    if labeled.sum() < FEWEST or len(np.unique(truth[labeled])) < 2:
        return None
    if 2 * held_out.sum() < labeled.sum():
        # Most classes have one label, and those that have more tell nothing of the others.
        return np.zeros_like(held_out)
    return held_out if held_out.sum() >= FEWEST and len(np.unique(truth[held_out])) > 1 else None


def _change(after: OutOfFold, before: OutOfFold, truth: np.ndarray, held_out: np.ndarray) -> int:
    """1 where the second probe is better on held-out labels by more than a standard error, -1 where worse, else 0.

    The error is that of the paired difference. Where classes are no clouds of their own, a second probe is only more
    confident of what the first one had wrong.
    """
    change = (after.predicted == truth)[held_out].astype(float) - (before.predicted == truth)[held_out]
    return int(np.sign(change.sum())) if abs(change.sum()) > change.std() * np.sqrt(len(change)) else 0


def _scores(predictions: OutOfFold, truth: np.ndarray, held_out: np.ndarray, task: Task) -> dict[str, float]:
    return scores(task.decoded(truth[held_out]).tolist(), task.decoded(predictions.predicted[held_out]).tolist())
