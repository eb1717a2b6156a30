"""Draws the figures of a report as inline SVG (or an HTML table), in the page's own colors.

Colors are CSS classes (`s0` to `s5`), so that one drawing serves light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

_WIDTH = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 44
_HEIGHT = 240
_LABEL = 190
_COLORS = 6
NOTHING = "\N{EN DASH}"


def number(value: Any) -> str:
    """A number as a reader wants it.

    >>> number(12345), number(0.51234), number(3.0)
    ('12,345', '0.512', '3')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or not math.isfinite(value):
        return NOTHING
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`.

    >>> ticks(0, 9)
    [0.0, 2.5, 5.0, 7.5, 10.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power * count >= span * 0.999)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(step * place, 10) for place in range(first, last + 1)]


def _svg(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, round(height), title)
    # A phone scrolls the picture sideways instead of shrinking its letters past reading.
    return Markup('<div class="picture">') + head + Markup("").join(parts) + Markup("</svg></div>")


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "", turn: bool = False) -> Markup:
    place = f"rotate(-90 {x:.1f} {y:.1f})" if turn else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}"{}>{}</text>').format(
        x, y, anchor, kind, Markup(' transform="{}"').format(place) if place else "", text
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, kind)


def _rect(x: float, y: float, width: float, height: float, kind: str, tip: str, style: str = "") -> Markup:
    shape = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"{}><title>{}</title></rect>'
    opacity = Markup(' style="{}"').format(style) if style else ""
    return Markup(shape).format(x, y, max(width, 0), max(height, 0), kind, opacity, tip)


def _value(value: Any) -> float:
    found = 0.0 if value is None else float(value)
    return found if math.isfinite(found) else 0.0


class _Plane:
    """Two axes with their marks, and where a point falls on them."""

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        self.x, self.y = list(x), list(y)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[-1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[-1] - self.y[0]) or 1)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * across, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * up

    def axes(self, data: Mapping[str, Any], x: str, y: str, every: int = 1) -> list[Markup]:
        parts = []
        for mark in self.y:
            height = self.at(self.x[0], mark)[1]
            parts += [
                _line(_LEFT, height, _WIDTH - _RIGHT, height, "grid"),
                _text(_LEFT - 6, height + 4, number(mark), anchor="end", kind="tick"),
            ]
        for mark in self.x[::every]:
            across = self.at(mark, self.y[0])[0]
            parts.append(_text(across, _HEIGHT - _BOTTOM + 16, number(mark), anchor="middle", kind="tick"))
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(_text(middle, _HEIGHT - 8, str(data.get("x_label", x)), anchor="middle", kind="tick"))
        height = (_TOP + _HEIGHT - _BOTTOM) / 2
        parts.append(_text(12, height, str(data.get("y_label", y)), anchor="middle", kind="tick", turn=True))
        return parts
