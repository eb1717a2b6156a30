"""Labels where no function votes: a text model's own belief in the rows that nobody labeled, where that does not harm.

Self-training (Scudder 1965; Yarowsky 1995) with the belief as weight: a label that is no more than likely teaches no
more than that. A first judge's belief, and that of the labels near by, teach a second judge; where held-out labels
say that the second knows more, its belief labels the rows; where they say that it knows less, nothing does; else the
first one's. It costs nothing but time, and it helps or harms as the model is good or bad on this data, so that both are
measured: judges that learned from such rows against judges that did not, on labels that reached neither. Where most
labels are the only one of their class none can be held out, and the second judge labels unmeasured.
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
from tilth.weak_supervision.models.label_columns import write_labels

LIKELY = 0.5
"""Belief in a label from which a row without any gets it."""
FEWEST = 20
"""Labels below which nothing can be measured."""
_ALONE = "Not measured, for most labels are the only one of their class, and a held-out one would have no model"


@dataclass(frozen=True, kw_only=True)
class Propagated:
    """What the text model says, and what that is worth.

    Attributes:
        label: codes, shape (rows,), -1 where it labels nothing.
        confidence: its probability of that label, shape (rows,), NaN where it was not asked.
        without, beside: macro-F1 and accuracy of the judge on held-out labels, without such rows and with them; empty
            where none could be held out.
        measured_on: how many labels those are.
        why_not: why nothing is labeled, or None.
    """

    label: np.ndarray
    confidence: np.ndarray
    without: dict[str, float]
    beside: dict[str, float]
    measured_on: int
    why_not: str | None

    def write(self, frame: pd.DataFrame, task: Task) -> None:
        """The task's columns into a frame that the caller owns."""
        labeled = self.label >= 0
        write_labels(frame, np.arange(len(frame)), task, self.label, self.confidence, labeled)
        frame[f"{task.name}_propagated"] = labeled

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
            "with": self.beside,
            "why_not": self.why_not,
        }

    def figure(self, task: str) -> Figure:
        """Both measurements, for the report."""
        rows = [
            [name, found.get("macro_f1"), found.get("accuracy")]
            for name, found in (("the labels alone", self.without), ("and rows labeled by the text", self.beside))
        ]
        taken = self.why_not or f"{int((self.label >= 0).sum())} rows are labeled, each at the weight of its confidence"
        on = f"Cross-validated on {self.measured_on} labels" if self.measured_on else _ALONE
        return Figure(
            kind="table",
            title=f"{task}: rows that nobody labeled",
            data={"columns": ["the judge learns from", "macro-F1", "accuracy"], "rows": rows},
            note=f"{on}. {taken[0].upper()}{taken[1:]}.",
        )


def propagate(frame: pd.DataFrame, task: Task, truth: np.ndarray, evidence: Evidence, wanted: str) -> Propagated | None:
    """What a text model says of the rows that nobody labeled.

    Args:
        frame: the whole table.
        task: whose labels.
        truth: labels by people or the input as codes, shape (rows,), -1 for none.
        evidence: on the same rows.
        wanted: `auto`, `always` or `never`.

    Returns:
        None where there is nothing to propagate, from or to.
    """
    free, told = table.unlabeled(frame, task.name), truth >= 0
    if wanted == "never" or not free.any() or told.sum() < FEWEST or len(np.unique(truth[told])) < 2:
        return None
    judged = knowable(truth, evidence.folds)
    if 2 * judged.sum() < told.sum():  # most classes have one label, and those that have more speak for no other
        judged = np.zeros_like(judged)
    elif judged.sum() < FEWEST or len(np.unique(truth[judged])) < 2:
        return None
    labels = task.decoded(truth).tolist()
    before, after = evidence.out_of_fold(task, labels), evidence.self_trained(task, labels, free)
    change = _change(after, before, truth, judged) if judged.any() else 1
    teacher = after if change > 0 else before
    sure = free & (teacher.confidence >= LIKELY)
    label, confidence = np.where(sure, teacher.predicted, -1), np.where(free, teacher.confidence, np.nan)
    without, beside = (_scores(found, truth, judged, task) if judged.any() else {} for found in (before, after))
    why_not = None
    if not sure.any():
        why_not = f"no row is as sure as {LIKELY}"
    elif wanted == "auto" and change < 0:
        why_not = f"accuracy would fall from {without['accuracy']} to {beside['accuracy']}"
    return Propagated(
        label=np.full(len(frame), -1) if why_not else label,
        confidence=confidence,
        without=without,
        beside=beside,
        measured_on=int(judged.sum()),
        why_not=why_not,
    )


def _change(after: OutOfFold, before: OutOfFold, truth: np.ndarray, judged: np.ndarray) -> int:
    """1 where held-out labels speak for the second judges by more than a standard error, -1 against them, else 0.

    The error is that of the paired difference. Where classes are no clouds of their own, a second judge is only surer
    of what the first one had wrong.
    """
    change = (after.predicted == truth)[judged].astype(float) - (before.predicted == truth)[judged]
    return int(np.sign(change.sum())) if abs(change.sum()) > change.std() * np.sqrt(len(change)) else 0


def _scores(found: OutOfFold, truth: np.ndarray, judged: np.ndarray, task: Task) -> dict[str, float]:
    return scores(task.decoded(truth[judged]).tolist(), task.decoded(found.predicted[judged]).tolist())
