"""The facts of each night, from its record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tilth import stage as stages
from tilth import store
from tilth.errors import DamagedFileError
from tilth.pictures import PICTURES_OF
from tilth.store import Run, stage_metrics

_BARS = "▁▂▃▄▅▆▇█"
SHOWN = 30


def past_nights(runs: Path) -> list[dict[str, Any]]:
    """Every run below a folder, oldest first, as plain JSON; one that cannot be read says so under `problem`.

    Args:
        runs: the parent of the run folders.

    Returns:
        Of each: `run_id`, `started`, `status` (`damaged` where its record cannot be read), `rows` of its input, `whole`
        (whether it ran all stages), `measured_on` and `macro_f1` by task, `score`, the mean of these, `waiting` rows
        for a person, `queue`, `promoted`, `rolled_back`, `latest`, `seconds`, `error`, `tilth`, `report` (whether the
        page is there), `path` and `problem`. What a record does not say is None.
    """
    latest = store.latest(runs)
    standing = latest.path.resolve() if latest else None
    return [_night(run, run.path.resolve() == standing) for run in store.all_runs(runs)]


def trend_lines(nights: Sequence[Mapping[str, Any]]) -> list[str]:
    """Macro-F1 of each task over the last nights as a row of bars, and the rows that wait for a person.

    >>> trend_lines([{"macro_f1": {"t": 0.5}, "waiting": None}, {"macro_f1": {"t": 1.0}, "waiting": None}])
    ['macro-F1 of t, last 2 nights: ▁█ 0.500 to 1.000, now 1.000']
    """
    lines = []
    for task in {task: None for night in nights for task in night["macro_f1"]}:
        values = [night["macro_f1"].get(task) for night in nights]
        lines += _trend(f"macro-F1 of {task}", values, ".3f")
    return lines + _trend("rows that wait for a person", [night["waiting"] for night in nights], ",.0f")


def _trend(words: str, values: Sequence[float | None], form: str) -> list[str]:
    known = [value for value in values if value is not None][-SHOWN:]
    if len(known) < 2:
        return []
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    bars = "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in known)
    return [f"{words}, last {len(known)} nights: {bars} {low:{form}} to {high:{form}}, now {known[-1]:{form}}"]


def _night(run: Run, latest: bool) -> dict[str, Any]:
    record, problem = _record(run)
    measures = _mapping(record.get("measures"))
    gold, estimate = _mapping(record.get("gold")), _mapping(record.get("cross_validated"))
    scores = {task: one.get("macro_f1") for task, one in (gold or estimate).items() if isinstance(one, Mapping)}
    known = [score for score in scores.values() if score is not None]
    requested = record.get("asked")
    return {
        "run_id": run.path.name,
        "started": record.get("started"),
        "status": "damaged" if problem else record.get("status") or "unknown",
        "rows": _rows(record),
        "whole": set(requested) == set(stages.NAMES) if requested else None,
        "measured_on": ("gold" if gold else "cross-validated") if scores else None,
        "macro_f1": scores,
        "score": sum(known) / len(known) if known else None,
        "waiting": measures.get("review", _waiting(record)),
        "queue": stage_metrics(record, "active_learning").get("asked"),
        "promoted": bool(record.get("promoted")),
        "rolled_back": bool(record.get("rolled_back")),
        "latest": latest,
        "seconds": record.get("seconds"),
        "error": record.get("error"),
        "tilth": record.get("tilth"),
        "report": (run.path / "report.html").is_file(),
        "path": str(run.path),
        "problem": problem,
    }


def _record(run: Run) -> tuple[Mapping[str, Any], str | None]:
    try:
        record = run.record
    except (DamagedFileError, OSError) as error:
        return {}, str(error)
    if not isinstance(record, Mapping):
        return {}, f"{run.path / 'run.json'} holds no record, but {type(record).__name__}"
    return record, None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(record: Mapping[str, Any]) -> int | None:
    inputs = record.get("inputs")
    if not isinstance(inputs, list):
        return None
    no_rows = ("answers", "label_changes")
    files = [item for item in inputs if isinstance(item, Mapping) and item.get("split") not in no_rows]
    files = [item for item in files if not str(item.get("path")).startswith(PICTURES_OF)]  # of rows counted already
    return sum(int(item.get("rows") or 0) for item in files)


def _waiting(record: Mapping[str, Any]) -> int | None:
    """Rows that wait for a person, as the stages of an older tilth counted them."""
    entries = [entry for entry in record.get("stages") or () if isinstance(entry, Mapping)]
    texts = sum(sum(_mapping(entry.get("review")).values()) for entry in entries)
    tasks = _mapping(stage_metrics(record, "cleaning").get("tasks")).values()
    labels = sum(_mapping(_mapping(one).get("actions")).get("review", 0) for one in tasks)
    return texts + labels if entries else None
