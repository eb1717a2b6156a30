"""A comparison as one page that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.reports.drawing import breakable, formatted, shorten
from tilth.templates import page_templates


def diff_page(changes: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]] = ()) -> str:
    """The whole page, without scripts, links or fonts from elsewhere; every text from the data is escaped.

    Args:
        changes: of `compare_nights`.
        alarms: of `night_alarms`, shown first.
    """
    environment = page_templates("tilth.reports.diff")
    environment.filters.update(formatted=formatted, shown=_shown, breakable=breakable)
    return environment.get_template("diff.html.j2").render(changes=changes, alarms=alarms)


def _shown(value: object) -> str:
    """A text or label of the data, cut where it is long.

    >>> _shown(None), _shown("a" * 300)[-3:]
    ('no label', 'aa…')
    """
    return shorten("no label" if value is None else str(value))
