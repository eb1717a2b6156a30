"""A comparison as one page that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.reports.drawing import breakable
from tilth.templates import page_templates

LONGEST = 200


def diff_page(changes: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]] = ()) -> str:
    """The whole page, without scripts, links or fonts from elsewhere; every text from the data is escaped.

    Args:
        changes: of `compare_nights`.
        alarms: of `night_alarms`, shown first.
    """
    environment = page_templates("tilth.reports.diff")
    environment.filters.update(count=_count, share=_share, score=_score, shown=_shown, breakable=breakable)
    return environment.get_template("diff.html.j2").render(changes=changes, alarms=alarms)


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shown(value: object) -> str:
    """A text or label of the data, cut where it is long.

    >>> _shown(None), _shown("a" * 300)[-3:]
    ('no label', 'aa…')
    """
    text = "no label" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
