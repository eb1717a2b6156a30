"""Each kind of figure as a drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from tilth.reports.example_rows import shorten
from tilth.reports.svg import (
    COLORS,
    HEIGHT,
    LABEL,
    LEFT,
    NOTHING,
    TOP,
    WIDTH,
    Plane,
    finite,
    line,
    number,
    rectangle,
    svg_picture,
    text_at,
    ticks,
)


def draw(figure: Mapping[str, Any]) -> Markup:
    """A `<figure>` with title, picture and note; what cannot be drawn says so instead of failing the report."""
    title, note = str(figure.get("title", "")), str(figure.get("note", ""))
    painter = _PAINTERS.get(str(figure.get("kind")))
    body = Markup('<p class="muted">Nothing to show.</p>')
    if painter is None:
        body = Markup('<p class="muted">No picture for the kind “{}”.</p>').format(figure.get("kind"))
    else:
        try:
            body = painter(title, figure.get("data") or {}) or body
        except (KeyError, TypeError, ValueError, IndexError) as error:
            body = Markup('<p class="muted">Malformed figure data: {}: {}.</p>').format(type(error).__name__, error)
    caption = Markup('<p class="note">{}</p>').format(note) if note else Markup("")
    return Markup("<figure><figcaption>{}</figcaption>{}{}</figure>").format(title, body, caption)


def _series(data: Mapping[str, Any], single: str) -> dict[str, list[Any]]:
    """Named series, from a mapping, from `{"name", "values"}` objects, or the one unnamed series."""
    series = data.get("series")
    if isinstance(series, Mapping) and series:
        return {str(name): list(values) for name, values in series.items()}
    if isinstance(series, list | tuple) and series and isinstance(series[0], Mapping):
        return {str(item["name"]): list(item.get("values") or item.get(single) or []) for item in series}
    return {"": list(data[single])}


def _legend(names: Sequence[str], y: float, x: float) -> list[Markup]:
    parts = []
    for place, name in enumerate(names):
        if name:
            parts += [rectangle(x, y - 9, 10, 10, f"s{place % COLORS}", name), text_at(x + 15, y, shorten(name, 24))]
            x += 34 + 7 * min(len(name), 24)
    return parts


def _bar(title: str, data: Mapping[str, Any]) -> Markup | None:
    """Horizontal bars, one group a label: long class names stay readable."""
    labels, series = [str(label) for label in data["labels"]], _series(data, "values")
    if not labels:
        return None
    values = [[finite(value) for value in column] for column in series.values()]
    marks = ticks(min(0.0, *(min(column) for column in values)), max(max(column) for column in values) or 1.0)
    top = 24 if len(series) > 1 else 4
    thick, lift = (14, 4.0) if len(series) == 1 else (12, 2.5)
    group = thick * len(series) + 7
    bottom = top + group * len(labels)
    room = WIDTH - LABEL - 60

    def at(value: float) -> float:
        return LABEL + room * (value - marks[0]) / (marks[-1] - marks[0])

    parts = _legend(list(series), 14, LABEL) if len(series) > 1 else []
    for mark in marks:
        parts += [
            line(at(mark), top, at(mark), bottom, "grid"),
            text_at(at(mark), bottom + 15, number(mark), anchor="middle", kind="tick"),
        ]
    for row, label in enumerate(labels):
        y = top + group * row + 3
        parts.append(text_at(LABEL - 8, y + (group - 7) / 2 + 4, shorten(label, 27), anchor="end"))
        for place, column in enumerate(values):
            start, end = sorted((at(0.0), at(column[row])))
            name = list(series)[place]
            tip = f"{label}{f' ({name})' if name else ''}: {number(column[row])}"
            parts += [
                rectangle(start, y + thick * place, end - start, thick - 1, f"s{place % COLORS}", tip),
                text_at(end + 4, y + thick * (place + 1) - lift, number(column[row]), kind="tick"),
            ]
    if data.get("x_label"):
        parts.append(text_at(LABEL + room / 2, bottom + 31, str(data["x_label"]), anchor="middle", kind="tick"))
    return svg_picture(title, bottom + (38 if data.get("x_label") else 22), parts)


def _histogram(title: str, data: Mapping[str, Any]) -> Markup | None:
    edges, counts = [finite(edge) for edge in data["edges"]], [finite(count) for count in data["counts"]]
    if not counts:
        return None
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{len(edges)} edges for {len(counts)} counts; expected one more edge than counts")
    every = max(1, math.ceil(len(edges) / 11))
    plane = Plane(edges, ticks(0.0, max(counts) or 1.0))
    parts = plane.axes(data, "value", "count", every)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        x, y = plane.at(left, count)
        end, base = plane.at(right, 0.0)
        tip = f"{number(left)} to {number(right)}: {number(count)}"
        parts.append(rectangle(x + 0.5, y, end - x - 1, base - y, "s0", tip))
    return svg_picture(title, HEIGHT, parts)


def _curve(title: str, data: Mapping[str, Any]) -> Markup | None:
    x, series = [finite(value) for value in data["x"]], _series(data, "y")
    points = [finite(value) for values in series.values() for value in values if value is not None]
    if not x or not points:
        return None
    plane = Plane(ticks(min(x), max(x), 6), ticks(min(points), max(points)))
    parts = plane.axes(data, "step", "value")
    for place, values in enumerate(series.values()):
        found = [plane.at(a, finite(b)) for a, b in zip(x, values, strict=False) if b is not None]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in found)
        parts.append(Markup('<polyline points="{}" class="l{}"/>').format(path, place % COLORS))
        if len(found) == 1:
            parts.append(rectangle(found[0][0] - 3, found[0][1] - 3, 6, 6, f"s{place % COLORS}", number(values[0])))
    return svg_picture(title, HEIGHT, parts + _legend(list(series), TOP + 8, LEFT + 12))


def _heatmap(title: str, data: Mapping[str, Any]) -> Markup | None:
    rows, columns, values = data["rows"], data["columns"], data["values"]
    if not rows or not columns:
        return None
    top, width, height = 84, (WIDTH - LABEL - 8) / len(columns), 22
    most = max((abs(finite(value)) for row in values for value in row), default=0.0) or 1.0
    parts: list[Markup] = []
    for place, name in enumerate(columns):
        x, y = LABEL + width * (place + 0.5) + 4, top - 6
        turned = '<text x="{:.1f}" y="{:.1f}" transform="rotate(-45 {:.1f} {:.1f})" class="tick">{}</text>'
        parts.append(Markup(turned).format(x, y, x, y, shorten(str(name), 14)))
    for row, name in enumerate(rows):
        y = top + height * row
        parts.append(text_at(LABEL - 8, y + 15, shorten(str(name), 27), anchor="end"))
        for place, value in enumerate(values[row]):
            tip = f"{name} / {columns[place]}: {number(finite(value))}"
            strength = f"fill-opacity:{0.06 + 0.54 * abs(finite(value)) / most:.2f}"
            x = LABEL + width * place
            parts.append(rectangle(x, y, width - 1, height - 1, "s0", tip, strength))
            if width >= 30:
                parts.append(text_at(x + width / 2, y + 15, number(finite(value)), anchor="middle"))
    return svg_picture(title, top + height * len(rows) + 4, parts)


def _table(_title: str, data: Mapping[str, Any]) -> Markup | None:
    if not data.get("rows"):
        return None
    head = Markup("").join(Markup("<th>{}</th>").format(str(name)) for name in data["columns"])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_cell(value) for value in row)) for row in data["rows"]
    )
    return Markup('<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        head, body
    )


def _cell(value: Any) -> Markup:
    if value is None:
        return Markup("<td>{}</td>").format(NOTHING)
    if isinstance(value, int | float):
        return Markup('<td class="num">{}</td>').format(number(value))
    return Markup("<td>{}</td>").format(escape(shorten(str(value))))


_PAINTERS: Mapping[str, Callable[[str, Mapping[str, Any]], Markup | None]] = {
    "bar": _bar,
    "histogram": _histogram,
    "line": _curve,
    "heatmap": _heatmap,
    "table": _table,
}
