"""Each kind of figure as a drawing: what counts as HTML, which wraps and is read aloud, and curves as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from tilth.reports.drawing.svg import (
    BOTTOM,
    COLORS,
    HEIGHT,
    NOTHING,
    TOP,
    WIDTH,
    Plane,
    breakable,
    finite,
    line,
    number,
    rectangle,
    shorten,
    svg_picture,
    text_at,
    ticks,
)

_LONGEST_LABEL = 60
_ROOM = 0.76
"""Of the cell, for the longest bar; its number stands beside it."""
_MOST_MARKS = 60
"""Points of all curves that get a mark each; more would hide the lines."""
_STROKE = Markup('<svg viewBox="0 0 26 6"><line x1="0" y1="3" x2="26" y2="3" class="l{}"/></svg>')


def draw(figure: Mapping[str, Any]) -> Markup:
    """A `<figure>` with title, picture and note; what cannot be drawn says so instead of failing the report."""
    title, note = str(figure.get("title", "")), str(figure.get("note", ""))
    painter = _PAINTERS.get(str(figure.get("kind")))
    body = Markup('<p class="soft">Nothing to show.</p>')
    if painter is None:
        body = Markup('<p class="soft">No picture for the kind “{}”.</p>').format(figure.get("kind"))
    else:
        try:
            body = painter(title, figure.get("data") or {}) or body
        except (KeyError, TypeError, ValueError, IndexError) as error:
            body = Markup('<p class="soft">Malformed figure data: {}: {}.</p>').format(type(error).__name__, error)
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


def _bar(title: str, data: Mapping[str, Any]) -> Markup | None:
    """A table whose cells are bars: a label a row, a bar a series, the number beside it."""
    labels, series = [str(label) for label in data["labels"]], _series(data, "values")
    if not labels:
        return None
    most = max((abs(finite(value)) for column in series.values() for value in column), default=0.0) or 1.0
    most = 1.0 if data.get("format") == "percent" else most
    head = _keys(list(series), Markup('<i class="s{}"></i>'))
    rows = []
    for row, label in enumerate(labels):
        bars = Markup("").join(
            _one_bar(place, name, column[row], most, data.get("format"))
            for place, (name, column) in enumerate(series.items())
        )
        rows.append(
            Markup('<tr><th scope="row"><bdi>{}</bdi></th><td>{}</td></tr>').format(
                breakable(shorten(label, _LONGEST_LABEL)), bars
            )
        )
    table = Markup('<table class="bars" aria-label="{}"><tbody>{}</tbody></table>')
    return head + table.format(title, Markup("").join(rows))


def _keys(names: Sequence[str], mark: Markup) -> Markup:
    """Which mark is which series; nothing for a single one. The picture itself says it to a screen reader."""
    if len(names) < 2:
        return Markup("")
    keys = Markup("").join(
        Markup('<span class="key">{}{}</span>').format(mark.format(place % COLORS), shorten(name, _LONGEST_LABEL))
        for place, name in enumerate(names)
    )
    return Markup('<p class="keys" aria-hidden="true">{}</p>').format(keys)


def _percent(share: float) -> str:
    """A share in whole percent; one below a percent with a digit more, so that few are not taken for none.

    >>> _percent(0.874), _percent(0.004), _percent(0)
    ('87%', '0.4%', '0%')
    """
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def _one_bar(place: int, name: str, value: Any, most: float, form: Any) -> Markup:
    shown = NOTHING if value is None else _percent(finite(value)) if form == "percent" else number(finite(value))
    width = 100 * abs(finite(value)) / most
    spoken = Markup('<span class="spoken">{} </span>').format(name) if name else Markup("")
    return Markup('<span class="bar"><i class="s{}" style="width:{:.1f}%"></i>{}<b>{}</b></span>').format(
        place % COLORS, _ROOM * width, spoken, shown
    )


def _histogram(title: str, data: Mapping[str, Any]) -> Markup | None:
    edges, counts = [finite(edge) for edge in data["edges"]], [finite(count) for count in data["counts"]]
    if not counts:
        return None
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{len(edges)} edges for {len(counts)} counts; expected one more edge than counts")
    every = max(1, math.ceil(len(edges) / 8))
    plane = Plane(edges, ticks(0.0, max(counts) or 1.0))
    parts = plane.axes(data, "value", "count", every)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        x, y = plane.at(left, count)
        end, base = plane.at(right, 0.0)
        tip = f"{number(left)} to {number(right)}: {number(count)}"
        parts.append(rectangle(x + 0.5, y, end - x - 1, base - y, "s0", tip))
    most = counts.index(max(counts))
    spoken = f"{title}: most, {number(counts[most])}, between {number(edges[most])} and {number(edges[most + 1])}"
    return svg_picture(spoken, parts)


def _curve(title: str, data: Mapping[str, Any]) -> Markup | None:
    x, series = [finite(value) for value in data["x"]], _series(data, "y")
    points = [finite(value) for values in series.values() for value in values if value is not None]
    if not x or not points:
        return None
    whole = max(x) - min(x) <= 6 and all(value.is_integer() for value in x)
    marks = (
        [min(x) + k for k in range(int(max(x) - min(x)) + 1)] if whole and min(x) < max(x) else ticks(min(x), max(x), 6)
    )
    plane = Plane(marks, ticks(*_widened(min(points), max(points), finite(data.get("least_span")))))
    parts = plane.axes(data, "step", "value")
    sentences = []
    for place, (name, values) in enumerate(series.items()):
        known = [(a, finite(b)) for a, b in zip(x, values, strict=False) if b is not None]
        path = " ".join("{:.1f},{:.1f}".format(*plane.at(*point)) for point in known)
        parts.append(Markup('<polyline points="{}" class="l{}"/>').format(path, place % COLORS))
        if len(known) * len(series) <= _MOST_MARKS:
            for a, b in known:
                across, up = plane.at(a, b)
                tip = f"{name} {number(a)}: {number(b)}".strip()
                parts.append(rectangle(across - 2.5, up - 2.5, 5, 5, f"s{place % COLORS}", tip))
        if known:
            sentences.append(f"{name} from {number(known[0][1])} to {number(known[-1][1])}".strip())
    cut = data.get("cut")
    if cut is not None and min(marks) <= finite(cut) <= max(marks):
        parts += _cut_line(plane, finite(cut))
        sentences.append(f"cut at {number(finite(cut))}")
    return _keys(list(series), _STROKE) + svg_picture(f"{title}: {'; '.join(sentences)}", parts)


def least_span(values: Sequence[float]) -> float:
    """What the axis of a trend covers at least: a tenth of the score, or of the largest count.

    >>> least_span([0.75, 0.742]), least_span([2600, 2800])
    (0.1, 280.0)
    """
    return 0.1 * max([1.0, *values])


def _widened(low: float, high: float, span: float) -> tuple[float, float]:
    """The ends of an axis that covers at least a span, so that a change that is nothing does not look like a fall."""
    spare = max(span - (high - low), 0.0) / 2
    return (max(low - spare, 0.0) if low >= 0 else low - spare), high + spare


def _cut_line(plane: Plane, x: float) -> list[Markup]:
    """A line over the whole height at one value of x, with the word for it."""
    across, _ = plane.at(x, 0.0)
    anchor, beside = ("end", -4) if across > WIDTH / 2 else ("start", 4)
    label = text_at(across + beside, HEIGHT - BOTTOM - 6, "cut", anchor=anchor)
    return [line(across, TOP, across, HEIGHT - BOTTOM, "cut"), label]


def _heatmap(title: str, data: Mapping[str, Any]) -> Markup | None:
    rows, columns, values = data["rows"], data["columns"], data["values"]
    if not rows or not columns:
        return None
    most = max((abs(finite(value)) for row in values for value in row), default=0.0) or 1.0
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(shorten(str(name), 24)) for name in columns)
    body = []
    for name, row in zip(rows, values, strict=True):
        cells = Markup("").join(
            Markup('<td class="heat" style="--heat:{:.0f}%">{}</td>').format(
                60 * abs(finite(value)) / most, number(finite(value))
            )
            for value in row
        )
        body.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(shorten(str(name), 40), cells))
    table = '<div class="wide" tabindex="0" role="region" aria-label="{}"><table><thead><tr><td></td>{}</tr></thead>'
    return Markup(table + "<tbody>{}</tbody></table></div>").format(title, head, Markup("").join(body))


def _table(title: str, data: Mapping[str, Any]) -> Markup | None:
    if not data.get("rows"):
        return None
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(str(name)) for name in data["columns"])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_cell(value) for value in row)) for row in data["rows"]
    )
    table = '<div class="wide" tabindex="0" role="region" aria-label="{}"><table><thead><tr>{}</tr></thead>'
    return Markup(table + "<tbody>{}</tbody></table></div>").format(title, head, body)


def _cell(value: Any) -> Markup:
    if value is None:
        return Markup("<td>{}</td>").format(NOTHING)
    if isinstance(value, int | float):
        return Markup('<td class="num">{}</td>').format(number(value))
    return Markup("<td><bdi>{}</bdi></td>").format(shorten(str(value)))


_PAINTERS: Mapping[str, Callable[[str, Mapping[str, Any]], Markup | None]] = {
    "bar": _bar,
    "histogram": _histogram,
    "line": _curve,
    "heatmap": _heatmap,
    "table": _table,
}
