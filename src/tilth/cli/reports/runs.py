"""`tilth runs`: the nights that there were."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tilth.cli import options, terminal
from tilth.cli.terminal import say, say_json


def runs(
    *, out: options.Runs = None, config: options.Config = None, open: bool = False, as_json: options.Json = False
) -> int:
    """List the nights, the newest last: date, status, rows, how many wait for a person, seconds, macro-F1; the trend.

    For example:

        tilth runs
        tilth runs --open
        tilth runs --json | jq '.[-1].run_id'
        tilth runs --out nights

    Args:
        open: write the page over all nights, index.html beside them, and open it in the browser
    """
    from tilth import reports, store

    workspace = store.locate(config, out, anywhere=True)
    nights = reports.past_nights(workspace.runs)
    if as_json:
        say_json(nights)
    elif not nights:
        say(f"no run in {workspace.runs} yet; start one with: tilth run")
    else:
        _table(nights)
        for line in reports.trend_lines(nights):
            say(line)
    if open and nights:
        page = reports.write_index(workspace.runs)
        if not webbrowser.open(page.resolve().as_uri()):
            terminal.note(f"no browser answers here; open it yourself: {page.resolve().as_uri()}")
    return 0


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    lines = [("run", "started", "status", "rows", "waiting", "seconds", "macro-F1", "")]
    for row in rows:
        scores = ", ".join(
            f"{task} {'none' if score is None else f'{score:.3f}'}" for task, score in row["macro_f1"].items()
        )
        measured = f"{scores} ({row['measured_on']})" if scores else "–"
        counts = ("–" if row[name] is None else f"{row[name]:.0f}" for name in ("rows", "waiting", "seconds"))
        lines.append((row["run_id"], _started(row["started"]), row["status"], *counts, measured, _standing(row)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _started(value: Any) -> str:
    try:
        return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M")
    except (TypeError, ValueError):
        return "–"


def _standing(row: Mapping[str, Any]) -> str:
    if row["problem"]:
        return str(row["problem"])
    if row["rolled_back"]:
        return "rolled back"
    return "latest" if row["latest"] else "promoted" if row["promoted"] else ""
