"""Whether a night becomes the latest: it must not be clearly worse than the best promoted night before it.

**The rule.** The exported models of promoted nights answer tonight's gold rows; without gold, nights are compared by
their answers to the held-out train rows that both know (see `training/evaluation/held_out.py`). The measure is
macro-F1, averaged over the tasks. The best of them stands against tonight's model: tonight's is refused if the 95%
interval of the difference, by the paired bootstrap over the rows, lies below zero, or if its own score is below
`[promotion] floor`. So a tie is promoted, and so is a loss that the rows cannot tell from chance, but losses cannot add
up: each is measured from the best night and not from the last.

**Which nights are compared.** Of the last 30 whole nights those that were promoted and still hold their model, and the
latest whatever its age; of equal models the newest. A comparison costs as much as predicting the gold rows, so that no
more than five are made: the latest, then those with the highest score in their own record. Answers are cached.
A night with other tasks, or whose model cannot be loaded, is left out, and the record says so; a class that a model
does not know counts as missed. A gold row that one of two models learned from, before it became gold, is left out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tilth import stage as stages
from tilth import store
from tilth.learn import difference, score
from tilth.night.closing.evaluation_rows import EvaluationRows, NotComparable, evaluation_rows
from tilth.night.stages import Context
from tilth.store import Run

log = logging.getLogger(__name__)

NIGHTS = 30
MOST_COMPARED = 5
WORDS = {"gold": "gold rows", "held_out": "held-out train rows"}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a night is promoted.

    Attributes:
        promoted: the answer.
        why: one sentence.
        comparison: what was compared, plain JSON; None where nothing was.
    """

    promoted: bool
    why: str
    comparison: dict[str, Any] | None = None


def decide(run: Run, record: Mapping[str, Any]) -> Decision:
    """Hold a night against the best promoted one before it.

    Args:
        run: the night, all of whose stages are done.
        record: its record with the fields `gold` and `model` that it is about to get.
    """
    if set(record["asked"]) != set(stages.NAMES):
        why = f"only some stages ran ({', '.join(record['asked'])}); such a night is never promoted"
        return Decision(promoted=False, why=why)
    latest = store.latest(run.path.parent)
    if record["model"] is None and latest is not None and latest.record["model"] is not None:
        why = f"it trained no model, and the current run {latest.path.name} has one"
        return Decision(promoted=False, why=why)
    context = Context(record)
    rows = evaluation_rows(run, [task.name for task in context.tasks], context.cache)
    if rows is not None and math.isnan(score(rows.truth, rows.ours)):  # no task has rows of two classes
        rows = None
    floor = context.settings.promotion.floor
    earlier = _earlier(run, latest, rows.kind if rows else "")
    if rows is None:
        if floor is not None:
            return Decision(promoted=False, why=f"{_NOT_MEASURED}, and [promotion] floor is {floor}")
        first = _FIRST if record["model"] is not None else "First night; it trained no model"
        return Decision(promoted=True, why=_NOT_MEASURED if earlier else first)
    decision = _against_best(rows, earlier, context.settings.seed) if earlier else _alone(rows, _FIRST)
    ours = decision.comparison["score"] if decision.comparison else math.nan
    if floor is not None and ours < floor:
        why = f"macro-F1 {ours:.3f} on {WORDS[rows.kind]} is below [promotion] floor = {floor}"
        return replace(decision, promoted=False, why=why)
    return decision


_NOT_MEASURED = "it cannot be measured, for no task has rows of two classes"
_FIRST = "First night: this model is now the current one"


def _earlier(run: Run, latest: Run | None, kind: str) -> list[tuple[Run, dict[str, Any]]]:
    """The nights that may be asked: the latest first, then by their own score, of equal ones the newest."""
    nights = [
        (other, record)
        for other, record in reversed(store.records(run.path.parent))
        if other.path.name != run.path.name
        and record["status"] == "completed"
        and set(record.get("asked", ())) == set(stages.NAMES)
    ]
    current = latest.path.name if latest else None
    chosen = [
        (other, record)
        for age, (other, record) in enumerate(nights)
        if other.path.name == current or (age < NIGHTS and record.get("promoted") and _may_answer(other, kind))
    ]
    return sorted(chosen, key=lambda item: (item[0].path.name != current, -_recorded(item[1], kind)))


def _may_answer(run: Run, kind: str) -> bool:
    return (run.path / (store.HELD_OUT if kind == "held_out" else "model")).exists()


def _recorded(record: Mapping[str, Any], kind: str) -> float:
    """What a night's record says of its own score; -1 where it does not."""
    if (comparison := record.get("comparison")) and comparison["kind"] == kind:
        return float(comparison["score"])
    metrics = (record.get("gold") if kind == "gold" else None) or {}
    values = [value["macro_f1"] for value in metrics.values() if isinstance(value, Mapping)]
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else -1.0


def _against_best(rows: EvaluationRows, earlier: list[tuple[Run, dict[str, Any]]], seed: int) -> Decision:
    """Hold tonight's answers against those of the night that leaves them farthest behind."""
    compared_runs: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    best: tuple[float, Run, np.ndarray, Any] | None = None
    models = set()
    for run, _ in earlier:
        if len(compared_runs) == MOST_COMPARED:
            break
        try:
            model = store.digest_tree(
                run.path / ("model" if rows.kind == "gold" else store.HELD_OUT), [store.MODEL_CARD]
            )
            if model in models:
                continue
            models.add(model)
            places, other_labels = rows.answers(run)
        except Exception as error:  # of any kind: a folder that somebody edited must not fail tonight's night
            log.info("run %s cannot be compared", run.path.name, exc_info=True)
            kind = "" if isinstance(error, NotComparable) else f"{type(error).__name__}: "
            left_out.append({"run": run.path.name, "why": f"{kind}{error}"})
            continue
        truth, ours = _at(rows.truth, places), _at(rows.ours, places)
        then, now = score(truth, other_labels), score(truth, ours)
        if math.isnan(then):
            left_out.append({"run": run.path.name, "why": "the rows that both know are of one class"})
            continue
        compared_runs.append({"run": run.path.name, "rows": len(places), "score": round(then, 4)})
        if best is None or then - now > best[0]:
            best = (then - now, run, places, other_labels)
    if best is None:
        reasons = "; ".join(f"run {item['run']}: {item['why']}" for item in left_out)
        return _alone(rows, f"no earlier model could be compared ({reasons})", left_out)
    return _verdict(rows, best[1], best[2], best[3], seed, {"asked": compared_runs, "left_out": left_out})


def _verdict(
    rows: EvaluationRows, run: Run, places: np.ndarray, other_labels: Any, seed: int, more: Mapping[str, Any]
) -> Decision:
    interval = difference(_at(rows.truth, places), _at(rows.ours, places), other_labels, seed)
    promoted = not interval.high < 0
    why = (
        f"macro-F1 {interval.ours:.3f} on {len(places)} {WORDS[rows.kind]}; the best earlier model, of run "
        f"{run.path.name}, has {interval.other:.3f}: difference {interval.ours - interval.other:+.3f}, 95% interval "
        f"{interval.low:+.3f} to {interval.high:+.3f}{'' if promoted else ', clearly worse'}"
    )
    if more["left_out"]:
        why += f" (not compared: {', '.join(item['run'] for item in more['left_out'])})"
    comparison = {
        "kind": rows.kind,
        "rows": len(places),
        "against": run.path.name,
        "score": round(interval.ours, 4),
        "other": round(interval.other, 4),
        "difference": round(interval.ours - interval.other, 4),
        "interval": [round(interval.low, 4), round(interval.high, 4)],
        **more,
    }
    return Decision(promoted=promoted, why=why, comparison=comparison)


def _alone(rows: EvaluationRows, why: str, left_out: list[dict[str, str]] | None = None) -> Decision:
    """Tonight's score, with nothing to hold it against."""
    count = len(next(iter(rows.truth.values())))
    comparison = {
        "kind": rows.kind,
        "rows": count,
        "against": None,
        "score": round(score(rows.truth, rows.ours), 4),
        "asked": [],
        "left_out": left_out or [],
    }
    return Decision(promoted=True, why=why, comparison=comparison)


def _at(labels: Mapping[str, np.ndarray], places: np.ndarray) -> dict[str, np.ndarray]:
    return {task: values[places] for task, values in labels.items()}
