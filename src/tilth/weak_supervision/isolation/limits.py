"""What a guarded process may use, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one piece of work may take.

    Attributes:
        seconds: of wall clock, not counting what its parent did for it; a piece of several steps that it names
            through `enter_step` may take as long for each.
        megabytes: of memory beyond what the child starts with.
        processes: children at a time.
        isolate: False: run in this process, without limits.
    """

    seconds: float = 60.0
    megabytes: int = 2048
    processes: int = 1
    isolate: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a piece of work went.

    Attributes:
        value: what it returned, or None.
        error: why it returned nothing, or "".
        printed: the start of what it wrote to standard output.
        seconds: what it took.
        step: the last step that it named through `enter_step`, where it did not come to its end.
    """

    value: Any = None
    error: str = ""
    printed: str = ""
    seconds: float = 0.0
    step: int | None = None
