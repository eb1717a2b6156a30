"""A run's page, the scripts beside it, and all that it shows as plain JSON: `report.json` (see `docs/report.md`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tilth
from tilth import store
from tilth.reports.diff import night_before
from tilth.reports.page import pictures
from tilth.reports.page.engineers import engineers
from tilth.reports.page.files import PAGE_BYTES, RECORD, RunFiles, divide, read_run, write_further
from tilth.reports.page.html import render
from tilth.reports.page.rows import (
    TouchedRows,
    add_stories,
    add_thumbnails,
    row_facts,
    text_map,
    to_do,
    touched_rows,
    vocabulary,
)
from tilth.reports.page.scores import ledger, row_counts, since, verdict
from tilth.store import Fits, Run

VERSION = 2
"""Of `report.json`; it rises when a part changes its meaning or goes. Version 1 had no number."""


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


def fit_map(folder: Path, fits: Fits) -> None:
    """Place the texts of a run's map, or take over an earlier night's places; `fits` holds them then."""
    run = read_run(folder)
    text_map(run, touched_rows(run), fits)


def gather(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the page shows of one run.

    Returns:
        The report, and the facts of the touched rows, those that matter most first.

    Raises:
        RequestError: the folder is no run's.
    """
    run = read_run(folder)
    touched = touched_rows(run)
    function_facts = pictures.functions(run)
    report: dict[str, Any] = {
        "version": VERSION,
        "run_id": run.record.get("run_id") or folder.name,
        **{name: run.record.get(name) for name in ("status", "error", "started", "finished", "seconds", "tilth")},
        "missing": [*run.missing, *_older(run.record)],
        "verdict": verdict(run, _earlier(run)),
        "rows": row_counts(run, touched.of("queue")),
        "to_do": to_do(run, touched, function_facts),
        "since": since(run),
        "ledger": run.record.get("ledger"),
        "ledger_lines": ledger(run),
        "touched": {"rows": len(touched.positions), "verdicts": touched.counts},
        **_pictures(run, touched, function_facts),
        "engineers": engineers(run),
    }
    facts = row_facts(run, touched)
    if (shown := add_thumbnails(run, touched, facts)) is not None:
        report["thumbnails"] = shown
    add_stories(run, facts)
    return _finite(report), _finite({"rows": facts})["rows"]


def _older(record: Mapping[str, Any]) -> list[str]:
    """Says so where another version ran the night than writes the page."""
    then, now = record.get("tilth"), tilth.__version__
    if not record or then == now:
        return []
    return [f"tilth {then or 'of an unknown version'} ran this night, and tilth {now} wrote this page: what the other "
            "version does not record is not shown."]  # fmt: skip


def _pictures(run: RunFiles, touched: TouchedRows, function_facts: list[dict[str, Any]]) -> dict[str, Any]:
    nights = pictures.trend(run.folder.parent, run.folder.name)
    return {
        "vocabulary": vocabulary(run),
        "map": text_map(run, touched),
        "balance": pictures.balance(run),
        "confusions": pictures.confusions(run),
        "cleaning_estimates": pictures.planted(run),
        "functions": function_facts,
        "nights": nights,
    }


def _earlier(run: RunFiles) -> RunFiles | None:
    """The night that this one is held against, with all that the page needs of it; None on a first night."""
    before = night_before(Run(run.folder)) if (run.folder / RECORD).is_file() else None
    return read_run(before.path) if before is not None else None


def _finite(value: Any) -> Any:
    """The same without NaN and infinity, which JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _without_points(picture: dict[str, Any]) -> dict[str, Any]:
    """Of the map what a program can use: how many points there are; the points are in the page."""
    if "why" in picture:
        return picture
    return {"points": len(picture["x"]), "rows": picture["rows"], "suspects": picture["suspects"]}
