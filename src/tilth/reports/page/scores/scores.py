"""How good a night's model is, with its interval, and how far it is from another night's on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import learn, store
from tilth import samples as table
from tilth.errors import DamagedFileError
from tilth.reports.columns import values
from tilth.reports.page.files import RunFiles

_SEED = 0


@dataclass(frozen=True)
class Answers:
    """A model's answers to rows whose label is known.

    Attributes:
        kind: `gold`, or `held_out` where there is no gold.
        truth: the right labels, a column a task, indexed by the rows' ids; None where there is none.
        predicted: the answers, likewise.
    """

    kind: str
    truth: pd.DataFrame
    predicted: pd.DataFrame


def answers(run: RunFiles) -> Answers | None:
    """The answers that a night can be measured by: to the gold rows, else to the held-out ones; None without either."""
    names = [task.name for task in run.tasks]
    gold = {name: table.gold_labels(run.frame, name) for name in names if f"{name}_predicted" in run.frame}
    rows = pd.DataFrame(gold).notna().any(axis=1) if gold else pd.Series(dtype=bool)
    if gold and rows.any():
        return _answers("gold", pd.DataFrame(gold)[rows], run.frame[rows], list(gold))
    path = run.folder / store.HELD_OUT
    if not path.is_file():
        return None
    try:
        frame = table.to_pandas(store.read_table(path))
    except DamagedFileError:
        return None
    names = [name for name in names if name in frame and f"{name}_predicted" in frame]
    return _answers("held_out", frame, frame, names) if names else None


def _answers(kind: str, truth: pd.DataFrame, frame: pd.DataFrame, tasks: Sequence[str]) -> Answers:
    return Answers(
        kind,
        pd.DataFrame({task: values(truth, task) for task in tasks}, index=frame["id"]),
        pd.DataFrame({task: values(frame, f"{task}_predicted") for task in tasks}, index=frame["id"]),
    )


def measure(answers: Answers) -> dict[str, Any]:
    """Macro-F1 over all tasks and of each, with 95% intervals by the bootstrap over the rows, and accuracy."""
    every = list(answers.truth.columns)
    tasks = [_of_task(answers, task) for task in every]
    known = any(task["value"] is not None for task in tasks)
    value, low, high = _interval(answers, every) if known else (None, None, None)
    return {"kind": answers.kind, "rows": len(answers.truth), "value": value, "low": low, "high": high, "tasks": tasks}


def expected(score: dict[str, Any], estimates: Mapping[str, Any]) -> dict[str, Any]:
    """The score of held-out rows, moved to what the night expects of all its labels.

    Held-out rows are those whose label is settled, which are the easy ones: their score flatters. The night's own
    estimate (`tilth.training.evaluation.estimate`) counts every label for as much as it is believed; the intervals keep
    their width.

    Args:
        score: as `measure` gives it, of held-out rows.
        estimates: for each task, `macro_f1` and `accuracy`; as the night's record has them.
    """
    tasks = [_moved(task, estimates.get(task["task"])) for task in score["tasks"]]
    before = [task["value"] for task in score["tasks"] if task["value"] is not None]
    after = [task["value"] for task in tasks if task["value"] is not None]
    if not before:
        return score
    return {**score, **_shifted(score, float(np.mean(after) - np.mean(before))), "tasks": tasks}


def _moved(task: dict[str, Any], estimate: object) -> dict[str, Any]:
    if task["value"] is None or not isinstance(estimate, Mapping) or estimate.get("macro_f1") is None:
        return task
    return {**task, **_shifted(task, estimate["macro_f1"] - task["value"]), "accuracy": estimate["accuracy"]}


def _shifted(score: Mapping[str, Any], by: float) -> dict[str, float]:
    return {name: round(min(1.0, max(0.0, score[name] + by)), 4) for name in ("value", "low", "high")}


def compare(ours: Answers | None, other: Answers | None) -> dict[str, Any] | None:
    """The difference of two nights' macro-F1, over all tasks, on the rows that both answered under the same labels.

    None where they share no row that says anything.
    """
    if ours is None or other is None or ours.kind != other.kind:
        return None
    tasks = [task for task in ours.truth.columns if task in other.truth.columns]
    rows = ours.truth.index[ours.truth.index.isin(other.truth.index)]
    same = (ours.truth.loc[rows, tasks].fillna("") == other.truth.loc[rows, tasks].fillna("")).all(axis=1)
    rows = rows[same.to_numpy(dtype=bool)]
    truth = _arrays(ours.truth.loc[rows], tasks)
    if all(learn.why_no_score([label for label in truth[task] if label is not None]) for task in tasks):
        return None
    difference = learn.difference(
        truth, _arrays(ours.predicted.loc[rows], tasks), _arrays(other.predicted.loc[rows], tasks), _SEED
    )
    figures = {
        "value": difference.other,
        "difference": difference.ours - difference.other,
        "low": difference.low,
        "high": difference.high,
    }
    return {"rows": len(rows), **{name: round(value, 4) for name, value in figures.items()}}


def _of_task(answers: Answers, task: str) -> dict[str, Any]:
    known = answers.truth[task].notna()
    truth, predicted = answers.truth.loc[known, task], answers.predicted.loc[known, task]
    if (why := learn.why_no_score(truth.tolist())) is not None:
        return {"task": task, "rows": len(truth), "value": None, "low": None, "high": None, "why": why}
    value, low, high = _interval(answers, [task])
    right = round(float((truth == predicted).mean()), 4)
    return {"task": task, "rows": len(truth), "value": value, "low": low, "high": high, "accuracy": right}


def _interval(answers: Answers, tasks: Sequence[str]) -> tuple[float, float, float]:
    truth, predicted = _arrays(answers.truth, tasks), _arrays(answers.predicted, tasks)
    low, high = learn.score_interval(truth, predicted, _SEED)
    return round(learn.score(truth, predicted), 4), round(low, 4), round(high, 4)


def _arrays(labels: pd.DataFrame, tasks: Sequence[str]) -> dict[str, np.ndarray]:
    return {task: values(labels, task) for task in tasks}
