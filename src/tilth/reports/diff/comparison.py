"""Two nights, part by part; and a night with the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.reports.diff.classes import compare_classes
from tilth.reports.diff.functions import compare_functions
from tilth.reports.diff.nights import night_before
from tilth.reports.diff.rows import compare_labels, compare_rows, compare_status
from tilth.reports.diff.scores import answers_of, compare_scores
from tilth.reports.diff.side import Side, read_side
from tilth.reports.diff.significance import ALPHA
from tilth.reports.diff.thresholds import unusual_measures
from tilth.store import Run

MOST = 20


def compare_nights(before: Path, after: Path, *, most: int = MOST) -> dict[str, Any]:
    """All that is different between two runs, as plain JSON; `docs/reference/files.md` lists its fields.

    Args:
        before: the folder of the earlier run.
        after: the folder of the later one.
        most: rows of each kind that are shown.

    Raises:
        RequestError: one of the folders holds no `run.json`.
    """
    return _compare(read_side(before), read_side(after), most)


def since_last_night(folder: Path) -> dict[str, Any]:
    """What changed since the night before, with the alarms.

    Returns:
        `first_night` (true where there is none before it), `against` (its run id, or None), `alarms`, and `changes`,
        as of `compare_nights` (None on a first night).
    """
    run = Run(folder)
    earlier = night_before(run)
    if earlier is None:
        return {"first_night": True, "against": None, "alarms": [], "changes": None}
    return {
        "first_night": False,
        "against": earlier.path.name,
        "alarms": night_alarms(run),
        "changes": compare_nights(earlier.path, folder),
    }


def night_alarms(run: Run) -> list[dict[str, Any]]:
    """What is out of the ordinary on one night, as `unusual_measures`, without what chance explains.

    An accuracy, a coverage or a score is of so many rows: one that fell far on a few is no alarm.
    """
    alarms, earlier = unusual_measures(run), night_before(run)
    of_shares = any(alarm["measure"].startswith(("function.", "macro_f1:")) for alarm in alarms)
    if earlier is None or not of_shares:
        return alarms
    before, after = read_side(earlier.path), read_side(run.path)
    chance = _by_chance(before, after)
    return [alarm for alarm in alarms if alarm["measure"] not in chance]


def _by_chance(before: Side, after: Side) -> set[str]:
    """Measures of functions and scores whose change the two nights' rows cannot tell from chance."""
    by_chance = {
        f"function.{share}:{entry['name']}"
        for entry in compare_functions(before, after)
        for share in ("coverage", "accuracy")
        if entry["before"] and entry["after"] and entry["p"][share] >= ALPHA
    }
    for task in after.tasks:
        found = compare_scores(answers_of(before, task), answers_of(after, task), task)["difference"]
        if found is not None and found["verdict"] != "worse":
            by_chance.add(f"macro_f1:{task}")
    return by_chance


def _compare(before: Side, after: Side, most: int) -> dict[str, Any]:
    tasks = [task for task in after.tasks if task in before.tasks]
    both = before.frame is not None and after.frame is not None
    answers = {task: (answers_of(before, task), answers_of(after, task)) for task in tasks}
    return {
        "before": before.to_json(),
        "after": after.to_json(),
        "notes": _notes(before, after),
        "rows": compare_rows(before, after, most) if both else None,
        "labels": {task: compare_labels(before, after, task, most) for task in tasks} if both else {},
        "status": compare_status(before, after, most) if both else None,
        "functions": compare_functions(before, after) if both else [],
        "classes": {task: compare_classes(before, after, task, answers[task]) for task in tasks} if both else {},
        "scores": {task: compare_scores(*pair, task) for task, pair in answers.items()},
        "config": _config(before, after),
    }


def _notes(before: Side, after: Side) -> list[str]:
    """What was not compared, or not on equal terms."""
    notes = [f"run {side.run_id}: {problem}" for side in (before, after) for problem in side.problems]
    for side in (before, after):
        if (status := side.record.get("status")) != "completed":
            error = side.record.get("error")
            notes.append(f"run {side.run_id} is {status or 'without a status'}{f': {error}' if error else ''}")
    if before.table != after.table and before.table and after.table:
        notes.append(f"the tables are of different stages: {before.table} and {after.table}")
    for one, other in ((before, after), (after, before)):
        if missing := [task for task in one.tasks if task not in other.tasks]:
            notes.append(f"only run {one.run_id} has the tasks {', '.join(missing)}")
    if (old := before.record.get("tilth")) != (new := after.record.get("tilth")):
        notes.append(f"tilth {old or 'of an unknown version'} made the one, tilth {new or '?'} the other")
    return notes


def _config(before: Side, after: Side) -> list[dict[str, Any]]:
    old, new = (_flat(side.record.get("config") or {}) for side in (before, after))
    return [
        {"key": key, "before": old.get(key), "after": new.get(key)}
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = None if value in ({}, [], "") else value  # as a key that was not there yet
    return flat
