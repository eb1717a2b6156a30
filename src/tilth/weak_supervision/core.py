"""The stage: check the functions, let them vote, drop the bad ones, and write down what the label model is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Origin, Split, Status, Task
from tilth.stage import Figure, Resources, StageResult
from tilth.weak_supervision import figures, history, label_model
from tilth.weak_supervision.ballots import Ballot, cast_all
from tilth.weak_supervision.choosing import FEW_LABELS, TEXT, Choice, Witnesses, believe_unseen, choose
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.joint import Text, part, see
from tilth.weak_supervision.loader import LoadedFunction, LoadedFunctions
from tilth.weak_supervision.propagation import propagate
from tilth.weak_supervision.shares import below
from tilth.weak_supervision.votes import ABSTAIN
from tilth.weak_supervision.writing import name_of, write_labels, write_votes

NEIGHBORS = 10
"""Rows around a text that are heard beside it."""
MANY = 5000
"""Labels from which on functions need not beat judges of the labels alone: these cost a fit for each fold, and so many
labels need no functions."""
_TOLD = ("left_out", "remarks")
_PERSON_OR_INPUT = (Origin.ANNOTATOR.value, Origin.CORRECTED.value, Origin.GIVEN.value)


@dataclass(kw_only=True)
class _Night:
    """What the tasks of one night share.

    Attributes:
        frame: the whole table; the stage's own columns are written into it.
        free: positions of the rows that are not gold.
        left_out: function or file → why.
        remarks: function → what is odd about it, though it is used.
        tonight: `<task>.<function>` → how it did.
        drifted: `<task>.<function>` → how it drifted.
    """

    frame: pd.DataFrame
    free: np.ndarray
    config: Config
    resources: Resources
    before: dict[str, list[history.Measured]]
    left_out: dict[str, str]
    remarks: dict[str, str]
    tonight: dict[str, history.Measured] = field(default_factory=dict)
    drifted: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    _text: Text | None = None

    def text(self) -> Text:
        """The texts of the rows that are not gold, prepared once for all tasks."""
        if self._text is None:
            evidence = self.resources.evidence
            near = evidence.neighbors(NEIGHBORS, self.free)  # gold is no witness
            self._text = see(evidence.embeddings()[self.free], near)
        return self._text


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.weak_supervision.run`."""
    loaded = [one for one in resources.labeling_functions if isinstance(one, LoadedFunctions)]
    functions = [one for item in resources.labeling_functions for one in _functions(item)]
    left_out, remarks = (dict(item for one in loaded for item in one.told()[kind].items()) for kind in _TOLD)
    frame = table.to_pandas(samples)
    free = np.flatnonzero(frame["split"].ne(Split.GOLD).to_numpy(dtype=bool))
    if functions and not len(free):
        told = {"left_out": left_out, "remarks": remarks}
        return StageResult(samples=samples, metrics=told, skipped="no rows to vote on")
    night = _Night(
        frame=frame,
        free=free,
        config=config,
        resources=resources,
        before=history.read(resources.carried),
        left_out=left_out,
        remarks=remarks,
    )
    ballots, evidence = _cast(night, functions) if functions else [], resources.evidence
    tasks = {task.name: _conclude(night, task, ballots) for task in resources.tasks if _of(task, ballots)}
    for task in (task for task in resources.tasks if task.name not in tasks):
        if (found := propagate(frame, task, _truth(frame, task), evidence, config.propagate)) is not None:
            found.write(frame, task)
            tasks[task.name] = found.metrics()
            night.figures.append(found.figure(task.name))
    if not functions and not tasks:
        told = {"left_out": left_out, "remarks": remarks}
        return StageResult(samples=samples, metrics=told, skipped="no labeling functions")
    if night.before:
        night.figures.append(figures.drift(night.tonight, night.before, night.drifted))
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={"tasks": tasks, "left_out": left_out, "remarks": remarks},
        figures=night.figures,
        artifacts={"votes.parquet": write_votes(frame, free, ballots, resources.scratch)} if functions else {},
        carried=_remembered(night, ballots) if functions else None,
    )


def _remembered(night: _Night, ballots: Sequence[Ballot]) -> Path:
    failed = {name_of(ballot) for ballot in ballots} - set(night.tonight)
    return history.write(night.resources.scratch / "history", night.before, night.tonight, night.drifted, failed)


def _functions(loaded: Any) -> Sequence[LoadedFunction]:
    return loaded.functions if isinstance(loaded, LoadedFunctions) else (loaded,)


def _cast(night: _Night, functions: Sequence[LoadedFunction]) -> list[Ballot]:
    """The ballots of the functions that voted; the others are named."""
    resources, evidence = night.resources, night.resources.evidence
    known = {task.name for task in resources.tasks}
    ballots = cast_all(
        [one for one in functions if one.task in known],
        resources.tasks,
        night.frame.iloc[night.free],
        lambda: evidence.embeddings()[night.free],
        evidence.encoder.encode,
        night.config,
        # The votes' own cache, beside the stage's: a new function then costs one column.
        evidence.cache,
        evidence.encoder.fingerprint,
    )
    for ballot in ballots:
        name = name_of(ballot)
        if ballot.error:
            night.left_out[name] = ballot.error
        if ballot.remark:
            night.remarks[name] = ballot.remark
    return [ballot for ballot in ballots if ballot.votes is not None]


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


def _unfit(night: _Night, ballots: Sequence[Ballot], matrix: np.ndarray, truth: np.ndarray) -> set[str]:
    """Names of the functions that are too often wrong, or not what they were on the nights before."""
    accuracy, count = label_model.accuracies(matrix, truth)
    config, out = night.config, set()
    for place, ballot in enumerate(ballots):
        name = name_of(ballot)
        told = int(count[place])
        right = round(float(accuracy[place]) * told) if told else 0
        night.tonight[name] = now = history.Measured(
            key=ballot.function.key or ballot.function.fingerprint,
            rows=len(matrix),
            voted=int((matrix[:, place] >= 0).sum()),
            told=told,
            right=right,
        )
        if why := history.drifted(now, night.before.get(name, ()), config.max_drift):
            night.drifted[name] = night.left_out[name] = why
            out.add(ballot.function.name)
        elif told >= config.min_measured and below(right, told, config.min_accuracy):
            least = f"below min_accuracy = {config.min_accuracy}"
            night.left_out[name] = f"right on {accuracy[place]:.2f} of {told} labeled rows, {least}"
            out.add(ballot.function.name)
    return out


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
