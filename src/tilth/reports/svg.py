"""Pictures for the report, drawn as inline SVG from the numbers of a `Figure`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

WIDTH, ROW, LEFT = 640, 20, 190


def draw(figure: Mapping[str, Any]) -> Markup:
    """One figure as markup; a kind that is not known is shown as its title alone."""
    drawer = _DRAWERS.get(figure["kind"])
    return drawer(figure["data"], str(figure["title"])) if drawer else Markup("")


def _svg(body: str, height: int, title: str) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" width="100%">{body}</svg>'
    )


def bar(data: Mapping[str, Any], title: str) -> Markup:
    """Horizontal bars with their values, at most 40."""
    pairs = list(zip(data["labels"], data["values"], strict=True))[:40]
    largest = max((float(value or 0) for _, value in pairs), default=0) or 1
    body = ""
    for row, (label, value) in enumerate(pairs):
        width = (WIDTH - LEFT - 60) * float(value or 0) / largest
        shown = f"{value:.3f}" if isinstance(value, float) else str(value)
        y = row * ROW
        body += f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(str(label)[:28])}</text>'
        body += f'<rect x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}"/>'
        body += f'<text x="{LEFT + width + 6:.1f}" y="{y + 14}">{shown}</text>'
    return _svg(body, max(ROW, ROW * len(pairs)), title)


def histogram(data: Mapping[str, Any], title: str) -> Markup:
    """Counts between edges."""
    counts, edges = data["counts"], data["edges"]
    largest, step = max(counts, default=0) or 1, (WIDTH - 20) / max(len(counts), 1)
    body = ""
    for place, count in enumerate(counts):
        height = 140 * count / largest
        body += f'<rect x="{10 + place * step:.1f}" y="{150 - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}">'
        body += f"<title>{count}</title></rect>"
    body += f'<text x="10" y="168">{edges[0]}</text><text x="{WIDTH - 10}" y="168" text-anchor="end">{edges[-1]}</text>'
    return _svg(body, 176, title)


def line(data: Mapping[str, Any], title: str) -> Markup:
    """y over x, or one line for each of `series` (name → y)."""
    xs = [float(x) for x in data["x"]]
    series = data.get("series") or {"": data.get("y", [])}
    series = series if isinstance(series, Mapping) else {str(item["name"]): item.get("y", []) for item in series}
    ys = [float(y) for values in series.values() for y in values if y is not None]
    if not xs or not ys:
        return Markup("")
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)
    body = ""
    for values in series.values():
        points = " ".join(
            f"{50 + (WIDTH - 70) * (x - first) / ((last - first) or 1):.1f},"
            f"{150 - 130 * (float(y) - low) / ((high - low) or 1):.1f}"
            for x, y in zip(xs, values, strict=False)
            if y is not None
        )
        body += f'<polyline points="{points}"/>'
    body += f'<text x="4" y="24">{high:.3g}</text><text x="4" y="150">{low:.3g}</text>'
    body += f'<text x="50" y="170">{first:g}</text><text x="{WIDTH - 20}" y="170" text-anchor="end">{last:g}</text>'
    return _svg(body, 176, title)


def table(data: Mapping[str, Any], title: str) -> Markup:
    """Columns and rows, long texts cut to 200 characters."""
    head = "".join(f"<th>{escape(str(column))}</th>" for column in data["columns"])
    rows = "".join("<tr>" + "".join(f"<td>{escape(short(cell))}</td>" for cell in row) + "</tr>" for row in data["rows"])
    return Markup(f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>')


def heatmap(data: Mapping[str, Any], title: str) -> Markup:
    """Values as a table, the row's name first."""
    rows = [[name, *values] for name, values in zip(data["rows"], data["values"], strict=True)]
    return table({"columns": ["", *data["columns"]], "rows": rows}, title)


def short(value: Any, limit: int = 200) -> str:
    """A cell's text, cut where it is long; nothing for a missing value."""
    if value is None or pd.isna(value):
        return ""
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_DRAWERS: dict[str, Callable[[Mapping[str, Any], str], Markup]] = {
    "bar": bar,
    "histogram": histogram,
    "line": line,
    "table": table,
    "heatmap": heatmap,
}
