"""The stage: check the functions, let them vote, drop the bad ones, and write down what the label model is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from tilth import samples as table
from tilth.samples import Split
from tilth.stage import Resources, StageResult
from tilth.weak_supervision import figures
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import LoadedFunction, LoadedFunctions, history
from tilth.weak_supervision.models import propagate
from tilth.weak_supervision.night_state import _Night
from tilth.weak_supervision.task_labels import _conclude, _of, _truth
from tilth.weak_supervision.voting import Ballot, cast_all, name_of, write_votes

_TOLD = ("left_out", "remarks")


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
