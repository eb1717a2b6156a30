"""What a person asks of one night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tilth import stage as stages
from tilth.config import Settings, load
from tilth.errors import RequestError
from tilth.store import Workspace


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asked of one night.

    Attributes:
        workspace: where it happens.
        overrides: dotted config key → value, stronger than `tilth.toml`.
        stages: the stages to run, in order.
        start: the stage to start from, with the table that the newest run of the same input has before it.
    """

    workspace: Workspace
    overrides: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[str, ...] = stages.NAMES
    start: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The whole config, checked."""
        return load(self.workspace.config, self.overrides, stages.configs())


def chosen(names: Sequence[str], start: str | None, stop: str | None, skip: Sequence[str]) -> tuple[str, ...]:
    """The stages from `start` to `stop` without the skipped ones.

    >>> chosen(("a", "b", "c"), "b", None, ["c"])
    ('b',)

    Raises:
        RequestError: an unknown name (the nearest one is named), or nothing is left to run.
    """
    for name in filter(None, (start, stop, *skip)):
        if name not in names:
            stages.get(name)
    first, last = (names.index(start) if start else 0), (names.index(stop) if stop else len(names) - 1)
    left = tuple(name for name in names[first : last + 1] if name not in skip)
    if not left:
        raise RequestError(
            f"no stage is left to run (--from {start}, --to {stop}, --skip {', '.join(skip) or 'none'}); "
            f"the order is {', '.join(names)}"
        )
    return left
