"""What a night did and why, for a person.

In: a run's folder. Out: `report.html`, one file that opens anywhere, and `report.json` with the same numbers. A new
section takes its numbers in `contents.py` and its place in `report.html.j2`; a new kind of figure is a function in
`charts.py`. What is different between two nights, and why a row is what it
is, are rooms of their own, `diff/` and `explain/`, whose names are handed on here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.diff import (
        compare_nights,
        diff_lines,
        diff_page,
        night_alarms,
        night_before,
        night_measures,
        since_last_night,
    )
    from tilth.reports.explain import find_row, stories, story, story_lines
    from tilth.reports.gates import failed_gates, parse_gate

_OF_DIFF = (
    "compare_nights",
    "diff_lines",
    "diff_page",
    "night_alarms",
    "night_before",
    "night_measures",
    "since_last_night",
)

_OF_EXPLAIN = ("find_row", "stories", "story", "story_lines")

__all__ = [
    "compare_nights",
    "diff_lines",
    "diff_page",
    "failed_gates",
    "find_row",
    "night_alarms",
    "night_before",
    "night_measures",
    "parse_gate",
    "since_last_night",
    "stories",
    "story",
    "story_lines",
    "write",
]

__getattr__, __dir__ = lazy_exports(
    __name__, {"diff": _OF_DIFF, "explain": _OF_EXPLAIN, "gates": ("failed_gates", "parse_gate")}
)


def write(run_folder: Path) -> Path:
    """Write `report.html` and `report.json` into a run's folder from its `run.json` and its newest table.

    Args:
        run_folder: a folder below `data/runs`; a run that failed or is still going is reported as far as it got.

    Returns:
        The path of `report.html`.

    Raises:
        RequestError: the folder holds no `run.json` or no table.
    """
    from tilth import store
    from tilth.reports import contents, html

    report = contents.gather(run_folder)
    store.write_json(run_folder / "report.json", report)
    path = run_folder / "report.html"
    with store.atomic(path) as temporary:
        temporary.write_text(html.render(report), encoding="utf-8")
    return path
