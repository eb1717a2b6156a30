"""The nights that stand before one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth import store
from tilth.store import Run

Nights = list[tuple[Run, Mapping[str, Any]]]


def completed_before(run: Run, *, alike: bool) -> Nights:
    """The completed nights before a run, beside it, oldest first, with their records.

    Args:
        run: the one that they stand before.
        alike: only those that asked for the same stages.
    """
    path = run.path.resolve()
    every = store.records(path.parent)
    own: Mapping[str, Any] = next((record for other, record in every if other.path.name == path.name), {})
    nights: Nights = [
        (other, record)
        for other, record in every
        if record.get("status") == "completed" and _order(other, record) < (str(own.get("started") or "9"), path.name)
    ]
    if alike:
        nights = [(other, record) for other, record in nights if _asked(record) == _asked(own)]
    return sorted(nights, key=lambda night: _order(*night))


def night_before(run: Run) -> Run | None:
    """The newest completed night before a run that asked for the same stages, else the newest of any; None: none."""
    alike = completed_before(run, alike=True) or completed_before(run, alike=False)
    return alike[-1][0] if alike else None


def _order(run: Run, record: Mapping[str, Any]) -> tuple[str, str]:
    return str(record.get("started") or ""), run.path.name


def _asked(record: Mapping[str, Any]) -> set[str]:
    return set(record.get("asked") or ())
