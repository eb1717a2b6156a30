"""What is out of the ordinary tonight, by thresholds that the last nights set.

Each night has some **measures**. One that says how much changed since the night before (rows added, labels changed)
stands for itself; of any other, the change since the night before does. Tonight's is held against those of up to 30
nights before it that ran the same stages: their median, and 3.5 times the median absolute deviation from it, scaled as
a standard deviation (Iglewicz and Hoaglin 1993). Nights that hardly differ would make every change an alarm, and few
nights know little: so no threshold is below a floor, which is twice as high with fewer than five nights. A change that
is itself below the floor raises none, so that a night with no change never does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.errors import RequestError
from tilth.reports.columns import column
from tilth.reports.diff.functions import function_shares
from tilth.reports.diff.nights import completed_before, night_before
from tilth.reports.diff.rows import compare_labels, compare_rows, compare_status
from tilth.reports.diff.side import Side, read_side
from tilth.samples import Reason, Status
from tilth.store import Run, stage_entry, stage_metrics

NIGHTS = 30
FEW = 5
"""Fewer earlier changes than this, and the floor is doubled."""
CUT = 3.5
"""Modified z-score above which Iglewicz and Hoaglin call a value an outlier."""
NORMAL = 1.4826
"""The median absolute deviation of normal values times this is their standard deviation."""


_DOUBTED = (Reason.LABEL_REVIEW, Reason.CONFLICTING_COPIES)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """How a sort of measure is read.

    Attributes:
        words: what it is, in words; `{}` is the task or function.
        flow: whether it is a change already, of which none is never an alarm.
        bad: +1 where more is worse, -1 where less is, 0 where both are worth a look.
        floor: changes below this are no news; None is by the counting error, 3.5 roots of what is usual, 5 at least.
        relative: a change is news only above this share of what is usual.
        percent: whether it is a share.
    """

    words: str
    flow: bool = False
    bad: int = 1
    floor: float | None = None
    relative: float = 0.0
    percent: bool = False


_KINDS = {
    "rows": _Kind(words="rows in the input", bad=0),
    "rows.added": _Kind(words="rows added", flow=True),
    "rows.removed": _Kind(words="rows removed", flow=True),
    "rows.retexted": _Kind(words="rows whose text changed", flow=True),
    "status.changed": _Kind(words="rows whose status changed", flow=True),
    "labels_changed": _Kind(words="labels of {} that changed", flow=True),
    "labeled": _Kind(words="rows with a label of {}", bad=-1),
    "wrong_labels": _Kind(words="given labels of {} called wrong"),
    "quarantined": _Kind(words="rows set aside"),
    "review": _Kind(words="rows that wait for a person"),
    "functions.left_out": _Kind(words="labeling functions left out", floor=0.5),
    "function.coverage": _Kind(words="coverage of the labeling function {}", bad=0, floor=0.05, percent=True),
    "function.accuracy": _Kind(words="accuracy of the labeling function {}", bad=-1, floor=0.05, percent=True),
    "macro_f1": _Kind(words="macro-F1 of {}", bad=-1, floor=0.02),
    "processor_seconds": _Kind(words="seconds of computing that the night took", floor=60.0, relative=1.0),
}


def night_measures(run: Run) -> dict[str, float]:
    """The measures of one night by name, as `run.json` keeps them; `:task` or `:function` follows the name of some.

    Those that are changes are against the night before, and missing on a first night.
    """
    side = read_side(run.path)
    earlier = night_before(run)
    measures = _own(side)
    if earlier is not None and side.frame is not None:
        before = read_side(earlier.path)
        if before.frame is not None:
            measures |= _changes(before, side)
    return {name: round(float(value), 6) for name, value in measures.items()}


def unusual_measures(run: Run) -> list[dict[str, Any]]:
    """What is out of the ordinary on one night, the farthest out first.

    Returns:
        Of each: `measure`, `value` tonight, `before`, `change`, `usual` (between which changes raise no alarm; None is
        no bound on that side), `nights` (how many changes of earlier nights that was learned from) and a `sentence`.
    """
    history = _history(run)
    if not history:
        return []
    tonight = _measures_of(run, run.record)
    alarms = []
    for name, value in tonight.items():
        if (alarm := _alarm(name, value, [night[name] for night in history if name in night])) is not None:
            alarms.append(alarm)
    return [alarm for _, alarm in sorted(alarms, key=lambda item: -item[0])]


def _own(side: Side) -> dict[str, float]:
    """What can be measured of one night alone."""
    rows = side.free_rows
    measures: dict[str, float] = {}
    if side.frame is not None:
        measures = {"rows": len(rows), "quarantined": int(rows["status"].eq(Status.QUARANTINED).sum())}
        measures["review"] = int(_waits(rows, side.tasks).sum())
        for task in side.tasks:
            measures[f"labeled:{task}"] = int(column(rows, task).notna().sum())
            if f"is_{task}_issue" in rows:
                measures[f"wrong_labels:{task}"] = int(column(rows, f"is_{task}_issue").eq(True).sum())
    for name, counts in function_shares(side).items():
        if counts["rows"]:
            measures[f"function.coverage:{name}"] = counts["voted"] / counts["rows"]
        if counts["labeled"]:
            measures[f"function.accuracy:{name}"] = counts["right"] / counts["labeled"]
    if stage_entry(side.record, "weak_supervision"):
        measures["functions.left_out"] = len(stage_metrics(side.record, "weak_supervision").get("left_out") or {})
    for task, scores in (side.record.get("gold") or side.record.get("cross_validated") or {}).items():
        if isinstance(scores, Mapping) and scores.get("macro_f1") is not None:
            measures[f"macro_f1:{task}"] = scores["macro_f1"]
    spent = [entry.get("processor_seconds") for entry in side.record.get("stages") or []]
    if spent and all(isinstance(one, int | float) for one in spent):  # by the clock a busy machine would be an alarm
        measures["processor_seconds"] = sum(spent)
    return measures


def _waits(rows: pd.DataFrame, tasks: Iterable[str]) -> np.ndarray:
    """Rows that a person should look at: their text, or a label of theirs; boolean, shape (rows,)."""
    waits, active = rows["status"].eq(Status.REVIEW), rows["status"].eq(Status.ACTIVE)
    for task in tasks:
        waits = waits | (active & column(rows, f"{task}_reason").isin(_DOUBTED))
    return waits.to_numpy(dtype=bool)


def _changes(before: Side, after: Side) -> dict[str, float]:
    rows, status = compare_rows(before, after, 0), compare_status(before, after, 0)
    labels = {task: compare_labels(before, after, task, 0)["count"] for task in after.tasks if task in before.tasks}
    return {
        **{f"rows.{name}": rows[name]["count"] for name in ("added", "removed", "retexted")},
        "status.changed": status["count"],
        **{f"labels_changed:{task}": count for task, count in labels.items()},
    }


def _history(run: Run) -> list[dict[str, float]]:
    """The measures of the nights before that are like this one, oldest first."""
    nights = completed_before(run, alike=True)
    kept = [(place, *night) for place, night in enumerate(nights[-NIGHTS - 1 :][::-1])]
    # What an older tilth did not keep is read from the tables, which takes a second a night: of the last few alone.
    return [_measures_of(other, record) for place, other, record in kept[::-1] if place < 2 * FEW or _kept(record)]


def _measures_of(run: Run, record: Mapping[str, Any]) -> dict[str, float]:
    """As the record keeps them; of a night whose record has none, from its tables where they are still there."""
    if (kept := _kept(record)) is not None:
        return {name: float(value) for name, value in kept.items() if isinstance(value, int | float)}
    try:
        return night_measures(run)
    except RequestError:
        return {}


def _kept(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    kept = record.get("measures")
    return kept if isinstance(kept, Mapping) else None


def _alarm(name: str, value: float, earlier: Sequence[float]) -> tuple[float, dict[str, Any]] | None:
    """How far out a measure is, and the alarm; None where it is within bounds or nothing is known of it."""
    sort, _, of = name.partition(":")
    kind = _KINDS.get(sort)
    if kind is None or not (earlier or kind.flow):
        return None
    changes = list(earlier) if kind.flow else list(np.diff(earlier))
    before = None if kind.flow else earlier[-1]
    change = value if before is None else value - before
    usual = float(np.median(changes)) if changes else 0.0
    spread = NORMAL * float(np.median(np.abs(np.array(changes) - usual))) if changes else 0.0
    floor = _floor(kind, usual if kind.flow else float(np.median(earlier)))
    threshold = max(CUT * spread, floor * (2 if len(changes) < FEW else 1))
    out = abs(change - usual) - threshold
    wrong_way = kind.bad == 0 or (change - usual) * kind.bad > 0
    if out <= 0 or abs(change) < floor or not wrong_way:
        return None
    low = None if kind.bad > 0 else usual - threshold
    high = None if kind.bad < 0 else usual + threshold
    alarm = {"measure": name, "value": value, "before": before, "change": round(change, 6), "usual": [low, high]}
    sentence = _sentence(kind, of, alarm, len(changes))
    return out / threshold, {**alarm, "nights": len(changes), "sentence": sentence}


def _floor(kind: _Kind, usual: float) -> float:
    """Below this a change is no news; of counts, what chance makes of them (a Poisson count's standard error)."""
    if kind.floor is not None:
        return max(kind.floor, kind.relative * usual)
    return max(5.0, CUT * math.sqrt(max(usual, 0.0)))


def _sentence(kind: _Kind, of: str, alarm: Mapping[str, Any], nights: int) -> str:
    words = kind.words.format(of)
    learned = f"by the last {nights} nights" if nights >= 2 else "with so few nights to learn from"
    low, high = alarm["usual"]
    if kind.flow:
        return f"{words}: {_number(alarm['value'], kind)}; {learned}, more than {_number(high, kind)} is unusual"
    bounds = " to ".join(_signed(one, kind) for one in (low, high) if one is not None)
    limit = "at least" if high is None else "at most" if low is None else "a change of"
    return (
        f"{words}: {_number(alarm['before'], kind)} → {_number(alarm['value'], kind)} "
        f"({_signed(alarm['change'], kind)}); {learned}, {limit} {bounds} is usual"
    )


def _number(value: float, kind: _Kind) -> str:
    if kind.percent:
        return f"{value:.1%}"
    return f"{value:.3f}" if kind.floor is not None and kind.floor < 0.1 else f"{value:,.0f}"


def _signed(value: float, kind: _Kind) -> str:
    return f"{'+' if value >= 0 else '−'}{_number(abs(value), kind)}"
