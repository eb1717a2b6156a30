"""What became of rows night after night."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tilth import samples as table
from tilth import store
from tilth.errors import DamagedFileError, RequestError

MOST = 30
"""Nights that are looked at, the newest."""


def nights_of(runs: Path, ids: Collection[str], tasks: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """For each row what each of the last nights made of it, the oldest first; nights without it are left out.

    A night whose tables are gone, or damaged, is left out too.
    """
    nights: dict[str, list[dict[str, Any]]] = {row_id: [] for row_id in ids}
    for run, record in store.records(runs)[-MOST:]:
        try:
            samples = store.read_table(store.newest_table(run.path))
        except (DamagedFileError, RequestError, OSError):
            continue
        wanted = [
            "id",
            "status",
            "reason",
            *(f"{task}{end}" for task in tasks for end in ("", "_origin", "_predicted")),
        ]
        frame = table.to_pandas(samples.select_columns([name for name in wanted if name in samples.column_names]))
        frame = frame[frame["id"].isin(nights)]
        frame = frame.astype(object).where(frame.notna(), None)
        for line in frame.to_dict("records"):
            labels = {task: _label(line, task) for task in tasks if task in line}
            night = {
                "run_id": run.path.name,
                "started": record.get("started"),
                "promoted": bool(record.get("promoted")),
            }
            nights[line["id"]].append({**night, "status": line["status"], "reason": line["reason"], "labels": labels})
    return nights


def _label(line: dict[Any, Any], task: str) -> dict[str, Any]:
    predicted = line.get(f"{task}_predicted")
    return {"label": line[task], "origin": line.get(f"{task}_origin"), "predicted": predicted}
