"""Writes a run's page, the scripts beside it, and `report.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth import store
from tilth.reports.page.contents import gather
from tilth.reports.page.files import PAGE_BYTES, divide, write_further
from tilth.reports.page.html import render


def write(run_folder: Path) -> Path:
    """Write `report.html`, `report/` and `report.json` from a run's `run.json` and its newest table.

    Args:
        run_folder: a folder below `data/runs`; a run that failed or is still going is reported as far as it got, and
            what is missing in the folder is said on the page.

    Returns:
        The path of `report.html`.

    Raises:
        RequestError: the folder holds neither a `run.json` nor a table.
    """
    report, facts = gather(run_folder)
    spent = len(render(report, [], []).encode())
    inside = divide(facts, PAGE_BYTES - spent)
    files = write_further(run_folder, facts[inside:])
    store.write_json(run_folder / "report.json", {**report, "map": _without_points(report["map"])})
    path = run_folder / "report.html"
    with store.atomic(path) as temporary:
        temporary.write_text(render(report, facts[:inside], files), encoding="utf-8")
    return path


def _without_points(picture: dict[str, Any]) -> dict[str, Any]:
    """Of the map what a program can use: how many points there are; the points are in the page."""
    if "why" in picture:
        return picture
    return {"points": len(picture["x"]), "rows": picture["rows"], "suspects": picture["suspects"]}
