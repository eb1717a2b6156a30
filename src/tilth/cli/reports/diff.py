"""`tilth diff`: what is different between two nights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli import options
from tilth.cli.terminal import say
from tilth.cli.workspace import find_run
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.store import Run

EVERY = 10**9
"""Rows of each kind that `--json` shows."""


def diff(
    before: Annotated[str | None, Parameter(help="the earlier night (default: the one before the later)")] = None,
    after: Annotated[str | None, Parameter(help="the later night (default: the newest completed one)")] = None,
    /,
    *,
    html: Path | None = None,
    as_json: options.Json = False,
) -> int:
    """Say what is different between two nights: rows, labels, functions, classes, scores, config.

    A night is named by its id, its folder, latest, or latest~1 for the one before it.

    For example:

        tilth diff
        tilth diff latest~1 latest
        tilth diff 20260101-020000 20260102-020000 --html changes.html

    Args:
        html: write it as a page to this file
    """
    from tilth import reports
    from tilth.store import atomic

    named = find_run(before) if before else None
    later = find_run(after) if after else _newest()
    earlier = named or reports.night_before(later)
    if earlier is None:
        raise RequestError(f"run {later.path.name} is a first night; there is nothing to compare it with")
    changes = reports.compare_nights(earlier.path, later.path, **({"most": EVERY} if as_json else {}))
    night_before = reports.night_before(later)
    usual = night_before is not None and night_before.path.resolve() == earlier.path.resolve()
    alarms = reports.night_alarms(later) if usual else []
    if html is not None:
        with atomic(html) as unfinished:
            unfinished.write_text(reports.diff_page(changes, alarms), encoding="utf-8")
    if as_json:
        say(json.dumps({"alarms": alarms, **changes}, indent=2, ensure_ascii=False, default=str))
        return 0
    for line in reports.diff_lines(changes, alarms):
        say(line)
    if html is not None:
        say(f"page: {html}")
    return 0


def _newest() -> Run:
    """The newest completed night."""
    from tilth import store

    workspace = store.locate(anywhere=True)
    completed = [run for run, record in store.records(workspace.runs) if record.get("status") == "completed"]
    if not completed:
        raise RequestError(f"no completed run in {workspace.runs}; name the folders of two, or start one: tilth run")
    return completed[-1]
