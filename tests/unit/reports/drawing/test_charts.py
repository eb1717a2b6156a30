from __future__ import annotations

import re

import pytest

from tests.unit.reports.page_parser import parsed
from tilth.reports.drawing import draw, shorten
from tilth.reports.drawing.svg import ticks


@pytest.mark.parametrize(
    ("kind", "data", "shape", "count"),
    [
        ("bar", {"labels": ["a", "b"], "values": [0, 0]}, 'class="bar"', 2),
        ("bar", {"labels": ["a"], "series": {"x": [1], "y": [2]}}, 'class="bar"', 2),
        ("bar", {"labels": ["a"], "values": [-0.5]}, 'class="bar"', 1),
        ("histogram", {"edges": [0, 1, 2], "counts": [3, 0]}, "<rect", 2),
        ("line", {"x": [1, 2], "y": [5, None]}, "<polyline", 1),
        ("line", {"x": [3], "y": [0]}, "<polyline", 1),
        ("heatmap", {"rows": ["a"], "columns": ["b", "c"], "values": [[1, None]]}, 'class="heat"', 2),
        ("table", {"columns": ["a"], "rows": [[1], [None]]}, "<td", 2),
    ],
)
def test_each_kind_is_drawn(kind: str, data: dict, shape: str, count: int) -> None:
    drawn = str(draw({"kind": kind, "title": 'a "title" <i>', "data": data}))
    parsed(drawn)
    assert drawn.count(shape) == count
    assert 'aria-label="a &#34;title&#34; &lt;i&gt;' in drawn  # whoever does not see the picture is told what it is


@pytest.mark.parametrize("kind", ["bar", "histogram", "line", "heatmap", "pie"])
def test_what_cannot_be_drawn_is_said(kind: str) -> None:
    drawn = str(draw({"kind": kind, "title": "t", "data": {}}))
    assert ("No picture" if kind == "pie" else "Malformed figure data") in drawn


def test_a_bar_is_as_long_as_its_value() -> None:
    drawn = str(draw({"kind": "bar", "title": "t", "data": {"labels": ["a", "b"], "values": [10, 5]}}))
    assert "width:76.0%" in drawn
    assert "width:38.0%" in drawn


def test_shares_are_drawn_on_a_scale_of_one() -> None:
    data = {"labels": ["f"], "series": {"speaks": [0.25], "right": [None]}, "format": "percent"}
    drawn = str(draw({"kind": "bar", "title": "t", "data": data}))
    assert "width:19.0%" in drawn  # 0.25 × 76
    assert "<b>25%</b>" in drawn
    assert "<b>–</b>" in drawn


def test_a_curve_is_said_in_words() -> None:
    drawn = str(draw({"kind": "line", "title": "Loss", "data": {"x": [1, 2, 3], "y": [5, 4, 2.5]}}))
    assert 'aria-label="Loss: from 5 to 2.5"' in drawn


def test_the_cut_is_drawn_where_it_lies() -> None:
    data = {"x": [0.0, 0.5, 1.0], "y": [1.0, 0.5, 0.0], "cut": 0.25}
    drawn = str(draw({"kind": "line", "title": "Precision", "data": data}))
    left, right = 48, 440 - 14
    across = left + 0.25 * (right - left)
    assert f'<line x1="{across:.1f}" y1="12.0" x2="{across:.1f}" y2="160.0" class="cut"/>' in drawn
    assert "cut at 0.25" in drawn


def test_a_few_nights_are_counted_in_whole_numbers() -> None:
    drawn = str(draw({"kind": "line", "title": "t", "data": {"x": [1, 2, 3], "y": [5, 4, 2.5], "x_label": "night"}}))
    assert [f">{mark}</text>" in drawn for mark in ("1", "2", "3", "1.5")] == [True, True, True, False]


def test_an_axis_covers_the_least_span_that_is_asked_for() -> None:
    """0.742 to 0.750 on an axis of 0.1, around their middle 0.746: round numbers from 0.675 to 0.8."""
    data = {"x": [1, 2], "y": [0.75, 0.742], "least_span": 0.1}
    drawn = str(draw({"kind": "line", "title": "Score", "data": data}))
    assert ">0.675<" in drawn
    assert ">0.8<" in drawn
    assert ">0.742<" not in drawn.split("<rect", maxsplit=1)[0]  # as the lowest mark, were the axis cut to the values


def test_a_text_is_cut_at_the_length_that_is_asked_for() -> None:
    assert shorten("a" * 200) == "a" * 200
    assert shorten("a" * 201) == "a" * 199 + "…"


def test_ticks_of_one_value_are_two() -> None:
    assert len(ticks(5, 5)) > 1


def test_the_names_of_curves_stand_above_the_drawing_and_not_on_its_lines() -> None:
    many = {f"kind {k}": [k / 10, 0.5] for k in range(6)}
    drawn = str(draw({"kind": "line", "title": "t", "data": {"x": [1, 2], "series": many}}))
    keys, picture = drawn.split('role="img"')
    assert keys.count('class="key"') == 6
    assert "kind 3" in keys
    assert not re.search(r"<text[^>]*>[^<]*kind 3", picture)


def test_crowded_curves_have_no_mark_for_each_point() -> None:
    few, many = ({"x": list(range(n)), "series": {"a": [0.5] * n, "b": [0.6] * n}} for n in (5, 40))
    assert str(draw({"kind": "line", "title": "t", "data": few})).count("<rect") == 10
    assert "<rect" not in str(draw({"kind": "line", "title": "t", "data": many}))
