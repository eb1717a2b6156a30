"""`tilth runs`: the nights that there were."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import options
from tilth.cli.terminal import say

if TYPE_CHECKING:
    from tilth.store import Run


def runs(*, out: Path | None = None, config: options.Config = None, as_json: options.Json = False) -> int:
    """List the nights, the newest last: id, date, status, rows, macro-F1, and which one is the latest.

    For example:

        tilth runs
        tilth runs --json | jq '.[-1].run_id'
        tilth runs --out nights

    Args:
        out: the parent of the run folders, where they are not in data/runs
    """
    from tilth import store

    workspace = store.locate(config, out, anywhere=True)
    latest = store.latest(workspace.runs)
    found = [_row(run, record, latest) for run, record in store.records(workspace.runs)]
    if as_json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found:
        say(f"no run in {workspace.runs} yet; start one with: tilth run")
    else:
        _table(found)
    return 0


def _row(run: Run, record: dict[str, Any], latest: Run | None) -> dict[str, Any]:
    figures = record.get("gold") or record.get("cross_validated") or {}
    return {
        "run_id": run.path.name,
        "started": record["started"],
        "status": record["status"],
        "rows": sum(item["rows"] for item in record["inputs"] if item.get("split") != "answers"),
        "measured_on": "gold" if record.get("gold") else "cross-validated" if figures else None,
        "macro_f1": {task: found["macro_f1"] for task, found in figures.items() if isinstance(found, dict)},
        "promoted": bool(record.get("promoted")),
        "latest": latest is not None and run.path.resolve() == latest.path.resolve(),
        "path": str(run.path),
    }


def _table(rows: list[dict[str, Any]]) -> None:
    lines = [("run", "started", "status", "rows", "macro-F1", "")]
    for row in rows:
        scores = ", ".join(
            f"{task} {'none' if score is None else f'{score:.3f}'}" for task, score in row["macro_f1"].items()
        )
        measured = f"{scores} ({row['measured_on']})" if scores else "–"
        started = datetime.fromisoformat(row["started"]).astimezone().strftime("%Y-%m-%d %H:%M")
        standing = "latest" if row["latest"] else "promoted" if row["promoted"] else ""
        lines.append((row["run_id"], started, row["status"], str(row["rows"]), measured, standing))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
