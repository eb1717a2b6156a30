"""From the report's numbers to one HTML file without scripts, links or fonts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tilth.reports import charts, svg
from tilth.reports.example_rows import shorten


def render(report: Mapping[str, Any]) -> str:
    """The whole page; every text from the data is escaped."""
    environment = Environment(
        loader=PackageLoader("tilth.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=svg.number, words=words, cell=cell, plain=plain)
    environment.globals.update(draw=charts.draw)
    return environment.get_template("report.html.j2").render(report=report)


def words(name: object) -> str:
    """A reason or metric as a reader says it.

    >>> words("near_duplicate")
    'near duplicate'
    """
    return str(name).replace("_", " ")


def cell(value: object) -> str:
    """A table cell: numbers short, nothing as a dash, long texts cut."""
    if value is None or value == "":
        return svg.NOTHING
    return svg.number(value) if isinstance(value, int | float) else shorten(str(value))


def plain(metrics: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested metrics as name and value, in order; a list is given by its length."""
    found: list[tuple[str, str]] = []
    for name, value in metrics.items():
        label = f"{prefix}{words(name)}"
        if isinstance(value, Mapping):
            found += plain(value, f"{label} · ")
        elif isinstance(value, list | tuple):
            found.append((label, f"{len(value)} entries"))
        else:
            found.append((label, cell(value)))
    return found
