"""The stage: let the functions vote, leave out the bad ones, and write the labels that the label model is sure of."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Split
from tilth.stage import Figure, Resources, StageResult
from tilth.weak_supervision import figures
from tilth.weak_supervision.answered_labels import correct_by_answers
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import LoadedFunction, LoadedFunctions, read_history, write_history
from tilth.weak_supervision.label_choice import known_labels
from tilth.weak_supervision.night_inputs import NightInputs
from tilth.weak_supervision.screening import Screening
from tilth.weak_supervision.task_labels import TaskResult, label_from_text, label_from_votes
from tilth.weak_supervision.voting import Ballot, cast_votes, full_name, write_label_matrix


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.weak_supervision.run`."""
    functions = [one for item in resources.labeling_functions for one in _functions(item)]
    notes = _loading_notes(resources)
    frame = table.to_pandas(samples)
    free = np.flatnonzero(frame["split"].ne(Split.GOLD).to_numpy(dtype=bool))
    if functions and not len(free):
        return StageResult(samples=samples, metrics=notes, skipped="no rows to vote on")
    inputs = NightInputs(
        frame=frame, free=free, config=config, resources=resources, history=read_history(resources.carried)
    )
    ballots = _cast(inputs, functions) if functions else []
    notes["left_out"] |= {full_name(ballot): ballot.error for ballot in ballots if ballot.error}
    notes["remarks"] |= {full_name(ballot): ballot.remark for ballot in ballots if ballot.remark}
    not_measured = _may_be_there(inputs, ballots)
    ballots = [ballot for ballot in ballots if ballot.votes is not None]
    results = _task_results(inputs, ballots)
    if not functions and not results:
        return StageResult(samples=samples, metrics=notes, skipped=_why_skipped(inputs))
    screening = functools.reduce(operator.or_, (result.screening for result in results.values()), Screening())
    notes["left_out"] |= screening.left_out
    for task, result in results.items():
        if by_answers := correct_by_answers(frame, task, result.columns, config.min_confidence):
            result.metrics["by_answers"] = by_answers
        for name, column in result.columns.items():
            frame[name] = column
    outputs: dict[str, Any] = {}
    if functions:
        outputs["artifacts"] = {"votes.parquet": write_label_matrix(frame, free, ballots, resources.scratch)}
        outputs["carried"] = write_history(
            resources.scratch / "history", inputs.history, screening.records, screening.drifted, not_measured
        )
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={"tasks": {task: result.metrics for task, result in results.items()}, **notes},
        figures=_figures(inputs, results, screening),
        **outputs,
    )


def _why_skipped(inputs: NightInputs) -> str:
    """Why nothing labels rows, and what would where nobody has yet."""
    tasks, evidence = inputs.resources.tasks, inputs.resources.evidence
    if table.picture_alone(inputs.frame).all():
        return "no labeling functions, and no row has a text"
    named = [task for task in tasks if task.name in evidence.class_texts]
    if named and not any((known_labels(inputs.frame, task) >= 0).any() for task in tasks):
        return 'no labeling functions and no labels: data.class_names = "always" labels rows by what classes are called'
    return "no labeling functions"


def _functions(loaded: Any) -> Sequence[LoadedFunction]:
    return loaded.functions if isinstance(loaded, LoadedFunctions) else (loaded,)


def _loading_notes(resources: Resources) -> dict[str, dict[str, str]]:
    """What was left out when the functions were loaded, and what is odd about the others."""
    notes: dict[str, dict[str, str]] = {"left_out": {}, "remarks": {}}
    for loaded in resources.labeling_functions:
        if isinstance(loaded, LoadedFunctions):
            for kind, items in loaded.notes().items():
                notes[kind] |= items
    return notes


def _may_be_there(inputs: NightInputs, ballots: Sequence[Ballot]) -> set[str]:
    """The names of tonight's functions, whether or not they voted, and of those that could not be loaded."""
    loaded = [one for one in inputs.resources.labeling_functions if isinstance(one, LoadedFunctions)]
    # Nobody knows which functions a file holds that does not import: it may be any that there was.
    unknown = set(inputs.history) if any(one.problems for one in loaded) else set()
    return unknown | {full_name(ballot) for ballot in ballots}


def _cast(inputs: NightInputs, functions: Sequence[LoadedFunction]) -> list[Ballot]:
    """A ballot for each function of the night's tasks."""
    resources, evidence = inputs.resources, inputs.resources.evidence
    tasks = {task.name for task in resources.tasks}
    return cast_votes(
        [one for one in functions if one.task in tasks],
        resources.tasks,
        inputs.rows,
        lambda: evidence.embeddings()[inputs.free],
        evidence.encoder.encode,
        inputs.config,
        # The votes have a cache of their own, apart from the stage's: a new function then costs one column.
        evidence.cache,
        evidence.encoder.fingerprint,
    )


def _task_results(inputs: NightInputs, ballots: Sequence[Ballot]) -> dict[str, TaskResult]:
    """The results by task: first of tasks with functions, then of those that the text alone can label."""
    of_task = {
        task.name: [ballot for ballot in ballots if ballot.function.task == task.name]
        for task in inputs.resources.tasks
    }
    results = {
        task.name: label_from_votes(inputs, task, of_task[task.name])
        for task in inputs.resources.tasks
        if of_task[task.name]
    }
    for task in inputs.resources.tasks:
        if task.name not in results and (result := label_from_text(inputs, task)) is not None:
            results[task.name] = result
    return results


def _figures(inputs: NightInputs, results: dict[str, TaskResult], screening: Screening) -> list[Figure]:
    shown = [figure for result in results.values() for figure in result.figures]
    if inputs.history:
        shown.append(figures.drift(screening.records, inputs.history, screening.drifted))
    return shown
