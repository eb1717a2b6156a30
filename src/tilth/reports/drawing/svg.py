"""Lines, texts and axes of an inline SVG, colored and dashed by CSS classes: one drawing serves light and dark."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 440, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 12, 40
COLORS = 6
NOTHING = "\N{EN DASH}"
_LONGEST = 200
_JOINTS = re.compile(r"([_./-])(?=\w)")


def shorten(text: str, longest: int = _LONGEST) -> str:
    """The text in at most `longest` characters, the last one an ellipsis where it was cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


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


def formatted(value: float | None, form: str, nothing: str = NOTHING) -> str:
    """A number in one of Python's formats; `nothing` for None.

    >>> formatted(0.125, ".1%"), formatted(None, ".1%"), formatted(1234, ",")
    ('12.5%', '–', '1,234')
    """
    return nothing if value is None else format(value, form)


def duration(seconds: float | None) -> str:
    """A span of time as a reader wants it.

    >>> duration(48.2), duration(538.1), duration(5700), duration(None)
    ('48 s', '9 min', '1 h 35 min', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def breakable(text: str) -> Markup:
    """A name that a narrow column breaks behind its underscores, dots and slashes, and not within a word.

    >>> str(breakable("a_b<c"))
    'a_<wbr>b&lt;c'
    """
    return Markup(_JOINTS.sub(r"\1<wbr>", str(escape(text))))


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


def svg_picture(spoken: str, parts: Sequence[Markup]) -> Markup:
    """A picture, with the sentence that a screen reader says in its place."""
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, spoken)
    return head + Markup("").join(parts) + Markup("</svg>")


def text_at(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "", turn: bool = False) -> Markup:
    """A text at a point, turned upwards where asked."""
    place = f"rotate(-90 {x:.1f} {y:.1f})" if turn else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}"{}>{}</text>').format(
        x, y, anchor, kind, Markup(' transform="{}"').format(place) if place else "", text
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A line between two points, of a CSS class."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, kind)


def rectangle(x: float, y: float, width: float, height: float, kind: str, tip: str) -> Markup:
    """A rectangle from its upper left corner, with a text that a pointer shows."""
    shape = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"><title>{}</title></rect>'
    return Markup(shape).format(x, y, max(width, 0), max(height, 0), kind, tip)


def finite(value: Any) -> float:
    """A number to draw; 0 for nothing, NaN and infinity."""
    number = 0.0 if value is None else float(value)
    return number if math.isfinite(number) else 0.0


class Plane:
    """Two axes with their marks, and where a point falls on them."""

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        self.x, self.y = list(x), list(y)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point falls in the picture."""
        across = (x - self.x[0]) / ((self.x[-1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[-1] - self.y[0]) or 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up

    def axes(self, data: Mapping[str, Any], x: str, y: str, every: int = 1) -> list[Markup]:
        """Both axes, with a mark for each number, of x for every so many."""
        parts = []
        for mark in self.y:
            height = self.at(self.x[0], mark)[1]
            parts += [
                line(LEFT, height, WIDTH - RIGHT, height, "grid"),
                text_at(LEFT - 6, height + 4, number(mark), anchor="end", kind="tick"),
            ]
        for mark in self.x[::every]:
            across = self.at(mark, self.y[0])[0]
            parts.append(text_at(across, HEIGHT - BOTTOM + 15, number(mark), anchor="middle", kind="tick"))
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(text_at(middle, HEIGHT - 6, str(data.get("x_label", x)), anchor="middle", kind="tick"))
        height = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(text_at(11, height, str(data.get("y_label", y)), anchor="middle", kind="tick", turn=True))
        return parts
