"""One task's weak labels: from its functions' votes, or from the text where it has no functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.samples import Origin, Status, Task
from tilth.weak_supervision import figures
from tilth.weak_supervision.models import (
    FEW_LABELS,
    TEXT,
    Choice,
    Witnesses,
    believe_unseen,
    choose,
    part,
    propagate,
    write_labels,
)
from tilth.weak_supervision.night_state import _Night
from tilth.weak_supervision.screening import _unfit
from tilth.weak_supervision.voting import ABSTAIN, Ballot

MANY = 5000
"""Labels from which on functions need not beat judges of the labels alone: these cost a fit for each fold, and so many
labels need no functions."""


_PERSON_OR_INPUT = (Origin.ANNOTATOR.value, Origin.CORRECTED.value, Origin.GIVEN.value)


def _of(task: Task, ballots: Sequence[Ballot]) -> list[Ballot]:
    return [ballot for ballot in ballots if ballot.function.task == task.name]


def _conclude(night: _Night, task: Task, every: Sequence[Ballot]) -> dict[str, Any]:
    """Write the task's two columns; give its metrics."""
    ballots = _of(task, every)
    matrix = np.column_stack([ballot.column for ballot in ballots]).astype(np.int64)
    rows = night.frame.iloc[night.free]
    truth = _truth(rows, task)
    out = _unfit(night, ballots, matrix, truth)
    kept = np.array([ballot.function.name not in out for ballot in ballots]) & (matrix >= 0).any(axis=0)
    heard = rows["status"].ne(Status.QUARANTINED).to_numpy(dtype=bool)  # junk would be a class of its own
    label, confidence, choice = _label(night, matrix[:, kept], truth, task, heard)
    sure = confidence >= night.config.min_confidence - 1e-6
    write_labels(night.frame, night.free, task, label, confidence, sure)
    stands = (truth >= 0) & rows[f"{task.name}_origin"].eq(Origin.GIVEN).to_numpy(dtype=bool)
    disputes = stands & (label >= 0) & (label != truth) & (confidence >= night.config.dispute_above)
    sent = disputes & (night.config.disputes == "review")
    night.frame[f"{task.name}_disputed"] = np.isin(np.arange(len(night.frame)), night.free[sent])
    night.figures.append(figures.summary(task.name, ballots, matrix, truth, out))
    if choice.scores:
        night.figures.append(figures.models(task.name, choice))
    names = [ballot.function.name for ballot in ballots]
    if (pairs := figures.correlated(task.name, names, matrix)) is not None:
        night.figures.append(pairs)
    if disputes.any():
        given, voted_for = task.decoded(truth[disputes]), task.decoded(label[disputes])
        night.figures.append(figures.disputed(task.name, rows[disputes], given, voted_for, confidence[disputes]))
    told, voted = sure & (truth >= 0), (matrix[:, kept] >= 0).any(axis=1)
    by_text = _by_text(night, task) if choice.name == TEXT else {}
    return {
        "functions": len(ballots),
        "used": int(kept.sum()),
        "label_model": choice.name,
        "label_model_by": choice.by,
        "label_model_scores": {name: round(score, 4) for name, score in choice.scores.items()},
        "rows": len(truth),
        "voted_on": int(voted.sum()),
        "coverage": round(float(voted.mean()), 4),
        "weakly_labeled": int(sure.sum()),
        "weakly_labeled_without_label": int((sure & (truth < 0)).sum()),
        "agreement_with_labels": round(float((label[told] == truth[told]).mean()), 4) if told.any() else None,
        "agreement_measured_on": int(told.sum()),
        "disputed": int(disputes.sum()),
        "raised": {ballot.function.name: ballot.failures for ballot in ballots if ballot.failures},
        "calls": sum(ballot.asked for ballot in ballots),
        **by_text,
    }


def _by_text(night: _Night, task: Task) -> dict[str, Any]:
    """Let the text label the rows that nobody labeled, in the functions' place; give the metrics that this changes."""
    truth = _truth(night.frame, task)
    found = propagate(night.frame, task, truth, night.resources.evidence, night.config.propagate)
    if found is None:
        return {}
    found.write(night.frame, task)
    night.figures.append(found.figure(task.name))
    metrics = found.metrics()
    return {name: metrics[name] for name in metrics if name not in ("functions", "used", "label_model")}


def _truth(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Labels in force that came from people or the input, as codes, -1 for none; never gold, never weak."""
    known = frame[f"{task.name}_origin"].isin(_PERSON_OR_INPUT).to_numpy(dtype=bool)
    told = known & table.settled(frame, task.name)
    return np.where(told, task.codes(frame[task.name]), -1)


def _label(
    night: _Night, matrix: np.ndarray, truth: np.ndarray, task: Task, heard: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Choice]:
    """Best label as a code (-1 where nothing is said), its probability (NaN there), and the model that says so."""
    label, confidence = np.full(len(matrix), ABSTAIN), np.full(len(matrix), np.nan)
    places = np.flatnonzero(heard)
    votes = matrix[places][:, (matrix[places] >= 0).any(axis=0)]
    given = task.codes(night.frame.iloc[night.free][f"{task.name}_given"])
    if not votes.size or len(task.labels) < 2:
        return label, confidence, Choice(name="majority", by="no votes to weigh")
    seen = Witnesses(
        votes=votes,
        known=truth[places],
        given=np.where(truth >= 0, truth, given)[places],
        text=part(night.text(), places),
        folds=night.resources.evidence.folds[night.free][places],
        classes=len(task.labels),
        epochs=night.config.epochs,
        seed=night.resources.seed,
        judged=_judged(night, task, places),
    )
    choice = choose(seen, night.config.label_model)
    if choice.name == TEXT:
        return label, confidence, choice
    found = believe_unseen(choice.name, seen, choice.temperatures.get(choice.name, 1.0))
    said = np.isfinite(found[:, 0])
    label[places[said]], confidence[places[said]] = found[said].argmax(axis=1), found[said].max(axis=1)
    return label, confidence, choice


def _judged(night: _Night, task: Task, places: np.ndarray) -> np.ndarray | None:
    """What judges of the labels alone say of the free rows at `places`; None where they are not to label the night."""
    truth, config = _truth(night.frame, task), night.config
    told = truth >= 0
    if config.label_model != "auto" or config.propagate == "never":
        return None
    if not FEW_LABELS <= told.sum() < MANY or len(np.unique(truth[told])) < 2:
        return None
    labels = task.decoded(truth).tolist()
    return night.resources.evidence.out_of_fold(task, labels).probabilities[night.free][places]
