"""The stage: check the functions, let them vote, drop the bad ones, and write down what the label model is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset
from snorkel.labeling import LFAnalysis

from tilth import samples as table
from tilth.samples import Origin, Split, Task
from tilth.stage import Figure, Resources, StageResult
from tilth.weak_supervision import label_model
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.loader import LoadedFunction, LoadedFunctions
from tilth.weak_supervision.votes import ABSTAIN, Row, Vectors, apply, failed_examples, rows_of

_COLUMNS = ("function", "coverage", "overlaps", "conflicts", "accuracy", "measured on", "used")
_PERSON_OR_INPUT = (Origin.ANNOTATOR.value, Origin.CORRECTED.value, Origin.GIVEN.value)


@dataclass(kw_only=True)
class _Votes:
    """The votes of one task's functions on the rows that are not gold."""

    task: Task
    functions: list[LoadedFunction] = field(default_factory=list)
    columns: list[np.ndarray] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)

    @property
    def matrix(self) -> np.ndarray:
        return np.column_stack(self.columns).astype(np.int64)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """See `tilth.weak_supervision.run`."""
    functions = [one for loaded in resources.labeling_functions for one in _functions(loaded)]
    left_out = {
        problem.where: problem.why
        for loaded in resources.labeling_functions
        if isinstance(loaded, LoadedFunctions)
        for problem in loaded.problems
    }
    if not functions:
        metrics = {"left_out": left_out}
        return StageResult(samples=samples, metrics=metrics, skipped="no labeling functions")
    frame = table.to_pandas(samples)
    free = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    if not free.any():
        return StageResult(samples=samples, metrics={"left_out": left_out}, skipped="no rows to vote on")
    rows = rows_of(
        frame[free], Vectors(lambda: resources.evidence.embeddings()[free], resources.evidence.encoder.encode)
    )
    figures: list[Figure] = []
    tasks: dict[str, Any] = {}
    cast = [_vote(task, functions, rows, config, resources, left_out) for task in resources.tasks]
    for votes in cast:
        if votes.functions:
            tasks[votes.task.name] = _conclude(frame, free, votes, config, resources.seed, left_out, figures)
    path = _write_votes(frame, free, cast, resources.scratch)
    return StageResult(
        samples=table.from_pandas(frame, resources.tasks),
        metrics={"tasks": tasks, "left_out": left_out},
        figures=figures,
        artifacts={"votes.parquet": path},
    )


def _functions(loaded: Any) -> Sequence[LoadedFunction]:
    return loaded.functions if isinstance(loaded, LoadedFunctions) else (loaded,)


def _vote(
    task: Task,
    functions: Sequence[LoadedFunction],
    rows: Sequence[Row],
    config: Config,
    resources: Resources,
    left_out: dict[str, str],
) -> _Votes:
    cast = _Votes(task=task)
    for function in (one for one in functions if one.task == task.name):
        where = f"{task.name}.{function.name}"
        if (why := failed_examples(function, task, resources.evidence.encoder.encode)) is not None:
            left_out[where] = why
            continue
        try:
            votes, failures = apply(function, task, rows, config.max_failures)
        except ValueError as error:
            left_out[where] = str(error)
            continue
        cast.functions.append(function)
        cast.columns.append(votes)
        cast.failures.append(failures)
    return cast


def _conclude(
    frame: pd.DataFrame,
    free: np.ndarray,
    votes: _Votes,
    config: Config,
    seed: int,
    left_out: dict[str, str],
    figures: list[Figure],
) -> dict[str, Any]:
    """Write the task's two columns; give its metrics."""
    task, matrix = votes.task, votes.matrix
    truth = _truth(frame[free], task)
    accuracy, count = label_model.accuracies(matrix, truth)
    bad = (count >= config.min_measured) & (accuracy < config.min_accuracy)
    for position in np.flatnonzero(bad):
        left_out[f"{task.name}.{votes.functions[position].name}"] = (
            f"right on {accuracy[position]:.2f} of {count[position]} labeled rows, "
            f"below min_accuracy = {config.min_accuracy}"
        )
    kept = ~bad & (matrix >= 0).any(axis=0)
    label, confidence = _label(matrix[:, kept], truth, task, config, seed)
    sure = confidence >= config.min_confidence - 1e-6
    names = np.array([*task.labels, None], dtype=object)
    weak, probability = np.full(len(frame), None, dtype=object), np.full(len(frame), np.nan, dtype=np.float32)
    weak[free] = names[np.where(sure, label, -1)]
    probability[free] = confidence
    frame[f"{task.name}_weak"], frame[f"{task.name}_weak_confidence"] = weak, probability
    figures.append(_summary(votes, accuracy, count, bad))
    told = sure & (truth >= 0)
    return {
        "functions": len(votes.functions),
        "used": int(kept.sum()),
        "rows": len(truth),
        "voted_on": int((label >= 0).sum()),
        "coverage": round(float((label >= 0).mean()), 4),
        "weakly_labeled": int(sure.sum()),
        "weakly_labeled_without_label": int((sure & (truth < 0)).sum()),
        "agreement_with_labels": round(float((label[told] == truth[told]).mean()), 4) if told.any() else None,
        "agreement_measured_on": int(told.sum()),
        "raised": {one.name: n for one, n in zip(votes.functions, votes.failures, strict=True) if n},
    }


def _truth(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Labels in force that came from people or the input, as codes, -1 for none; never gold, never weak."""
    codes = {label: code for code, label in enumerate(task.labels)}
    known = frame[f"{task.name}_origin"].isin(_PERSON_OR_INPUT).to_numpy(dtype=bool)
    told = known & table.learnable(frame, task.name)
    return np.where(told, frame[task.name].map(codes).fillna(-1).to_numpy(dtype=float), -1).astype(np.int64)


def _label(
    matrix: np.ndarray, truth: np.ndarray, task: Task, config: Config, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Best label as a code (-1 without a vote) and its probability (NaN without a vote), both of shape (rows,)."""
    label, confidence = np.full(len(matrix), ABSTAIN), np.full(len(matrix), np.nan)
    voted = (matrix >= 0).any(axis=1)
    if voted.any() and len(task.labels) > 1:
        found = label_model.probabilities(
            matrix[voted], truth[voted], len(task.labels), epochs=config.epochs, seed=seed
        )
        label[voted], confidence[voted] = found.argmax(axis=1), found.max(axis=1)
    return label, confidence


def _summary(votes: _Votes, accuracy: np.ndarray, count: np.ndarray, bad: np.ndarray) -> Figure:
    """LFAnalysis's coverage, overlaps and conflicts, with the accuracy on labeled rows beside them."""
    summary = LFAnalysis(votes.matrix).lf_summary()
    rows = [
        [
            function.name,
            *(round(float(summary[name].iloc[i]), 4) for name in ("Coverage", "Overlaps", "Conflicts")),
            None if np.isnan(accuracy[i]) else round(float(accuracy[i]), 4),
            int(count[i]),
            "no" if bad[i] else "yes",
        ]
        for i, function in enumerate(votes.functions)
    ]
    return Figure(
        kind="table",
        title=f"Labeling functions of {votes.task.name}",
        data={"columns": list(_COLUMNS), "rows": rows},
        note="Accuracy is measured on labeled train rows, which may be noisy; gold rows take no part.",
    )


def _write_votes(frame: pd.DataFrame, free: np.ndarray, cast: Sequence[_Votes], scratch: Path) -> Path:
    """One row a row of the table and one int16 column a function, -1 where it abstains and on gold rows."""
    columns: dict[str, Any] = {"id": frame["id"].to_numpy(dtype=object)}
    for votes in cast:
        for function, found in zip(votes.functions, votes.columns, strict=True):
            whole = np.full(len(frame), ABSTAIN, dtype=np.int16)
            whole[free] = found
            columns[f"{votes.task.name}.{function.name}"] = whole
    path = scratch / "votes.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path
