"""From the numbers of a report to one HTML file that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from tilth.reports.drawing import NOTHING, breakable, draw, duration, number, shorten
from tilth.reports.page.files import script_json
from tilth.reports.page.pictures import functions_figure, trend_figures
from tilth.reports.page.rows import SUSPECTS, VERDICTS, reason_in_words
from tilth.reports.page.scores import ROWS
from tilth.samples import Origin, Reason
from tilth.templates import page_templates

_TEMPLATES = "templates"
STATIC_ROWS = 20
"""Rows that stand in the page as a plain table: for paper, and for who reads without scripts."""
_ORIGINS: dict[str, str] = {
    Origin.ANNOTATOR: "a person's answer",
    Origin.CORRECTED: "a correction by cleaning",
    Origin.GIVEN: "the input",
    Origin.WEAK: "the labeling functions (rules)",
    Origin.PROPAGATED: "rows that it is like",
    Origin.SUGGESTED: "cleaning, as the likeliest one, not for sure",
    Origin.INHERITED: "the row that it was reworded from",
}


def render(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], files: Sequence[Mapping[str, Any]]) -> str:
    """The whole page; every text from the data is escaped, and only the page's own script may run.

    Args:
        report: as `contents.gather` gives it.
        rows: the facts of the rows that the page itself holds.
        files: the scripts beside it that hold the others, `name` and `rows` each.
    """
    script, style = _own("page.js"), _own("page.css")
    words_of_script = {
        **report["vocabulary"],
        "reasons": {str(reason): reason_in_words(reason) for reason in Reason},
        "origins": _ORIGINS,
        "suspects": list(SUSPECTS),
        "files": list(files),
        "run": report["run_id"],
    }
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            thumbnails=report.get("thumbnails"),
            draw=draw,
            rows_in_words=ROWS,
            static_rows=[_static(row, report["vocabulary"]) for row in rows[:STATIC_ROWS]],
            rows_inside=len(rows),
            functions_figure=functions_figure(report["functions"]),
            trend=trend_figures(report["nights"]),
            map_summary=_map_summary(report),
            style=Markup(style),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            words_json=Markup(script_json(words_of_script)),
            rows_json=Markup(script_json(rows)),
            map_json=Markup(script_json(report["map"])),
        )
    )


def _environment() -> Environment:
    environment = page_templates("tilth.reports.page", _TEMPLATES)
    environment.filters.update(
        number=number,
        duration=duration,
        words=words,
        cell=cell,
        plain=plain,
        reason=reason_in_words,
        shorten=shorten,
        breakable=breakable,
    )
    return environment


def _own(name: str) -> str:
    """One of the page's own files, as it stands in the package."""
    text = resources.files("tilth.reports.page").joinpath(_TEMPLATES, name).read_text(encoding="utf-8")
    return "\n" + text


def _static(row: Mapping[str, Any], vocabulary: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the plain table: verdicts, text, labels and reasons as words."""
    verdicts = [verdict.label for place, verdict in enumerate(VERDICTS) if row["v"] >> place & 1]
    labels = []
    for task, facts in zip(vocabulary["tasks"], row["k"], strict=True):
        given, now = (_label(task["labels"], facts.get(key)) for key in ("g", "n"))
        labels.append(now or NOTHING if given in (None, now) else f"{given} → {now or 'none'}")
    reasons = dict.fromkeys([row.get("r"), *(facts.get("r") for facts in row["k"])])
    return {
        "id": row["i"],
        "text": shorten(row["t"], 160),
        "picture": row.get("pic"),
        "verdicts": verdicts,
        "labels": labels,
        "reasons": [reason_in_words(reason) for reason in reasons if reason],
    }


def _label(labels: Sequence[str], place: int | str | None) -> str | None:
    return labels[place] if isinstance(place, int) else place


def _map_summary(report: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """What the map shows, in words: points a class of the finest task, and the suspects among them."""
    text_map = report["map"]
    if "why" in text_map or not report["vocabulary"]["tasks"]:
        return []
    labels = report["vocabulary"]["tasks"][-1]["labels"]
    counts: dict[int, list[int]] = {}
    for code, ring in zip(text_map["l"][-1], text_map["ring"], strict=True):
        count = counts.setdefault(code, [0, 0])
        count[0] += 1
        count[1] += ring
    rows = [
        (str(labels[code]) if code >= 0 else "without a label", points, rings)
        for code, (points, rings) in counts.items()
    ]
    return sorted(rows, key=lambda row: -row[1])[:STATIC_ROWS]


def words(name: object) -> str:
    """A reason or metric as a reader says it.

    >>> words("near_duplicate")
    'near duplicate'
    """
    return str(name).replace("_", " ")


def cell(value: object) -> str:
    """A table cell: numbers short, nothing as a dash, long texts cut."""
    if value is None or value == "":
        return NOTHING
    return number(value) if isinstance(value, int | float) else shorten(str(value))


def plain(metrics: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested metrics as name and value, in order; a list is given by its length."""
    pairs: list[tuple[str, str]] = []
    for name, value in metrics.items():
        label = f"{prefix}{words(name)}"
        if isinstance(value, Mapping):
            pairs += plain(value, f"{label} · ")
        elif isinstance(value, list | tuple):
            pairs.append((label, f"{len(value)} entries"))
        else:
            pairs.append((label, cell(value)))
    return pairs
