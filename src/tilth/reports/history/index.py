"""The page over all nights: `index.html` beside the run folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tilth import store
from tilth.reports.drawing import draw, duration, formatted, least_span
from tilth.reports.history.nights import past_nights
from tilth.templates import page_templates

INDEX = "index.html"


def write_index(runs: Path) -> Path:
    """Write `index.html` into the parent of the run folders, with the trend and a line a night.

    It stands alone but for its links to the nights' reports, which are relative.

    Args:
        runs: the parent of the run folders.

    Returns:
        The page's path.
    """
    path = runs / INDEX
    with store.atomic(path) as unfinished:
        unfinished.write_text(render(past_nights(runs)), encoding="utf-8")
    return path


def render(nights: Sequence[Mapping[str, Any]]) -> str:
    """The whole page; every text from a record is escaped."""
    environment = page_templates("tilth.reports.history")
    environment.filters.update(formatted=formatted, duration=duration)
    template = environment.get_template("index.html.j2")
    return template.render(nights=list(nights)[::-1], figures=[draw(figure) for figure in _figures(nights)])


def _figures(nights: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Score by task, rows, and rows that wait for a person, over the nights that know them."""
    tasks = list({task: None for night in nights for task in night["macro_f1"]})
    figures = [
        _figure(f"Score of {task}", "Macro-F1; 1 is perfect.", [night["macro_f1"].get(task) for night in nights])
        for task in tasks
    ]
    figures.append(_figure("Rows that came in", "All rows of the input and of gold.", [one["rows"] for one in nights]))
    figures.append(
        _figure("Rows that wait for a person", "Texts and labels in doubt.", [one["waiting"] for one in nights])
    )
    return [figure for figure in figures if len(figure["data"]["x"]) > 1]


def _figure(title: str, note: str, values: Sequence[float | None]) -> dict[str, Any]:
    known = [(place, value) for place, value in enumerate(values, 1) if value is not None]
    data = {
        "x": [place for place, _ in known],
        "y": [value for _, value in known],
        "x_label": "night",
        "y_label": "",
        "least_span": least_span([value for _, value in known]),
    }
    return {"kind": "line", "title": title, "data": data, "note": note}
