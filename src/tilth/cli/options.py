"""The options that several commands share: each has one name, one type and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def _shown(default: Any) -> str | None:
    """What a help page says of a default: nothing where it is "off" or "none"."""
    return None if default in (None, False, "", ()) else str(default)


DEFAULT = Parameter(negative=(), show_default=_shown)
"""Of every parameter: a flag has no opposite, and a default that says nothing is not shown."""

Config = Annotated[Path | None, Parameter(alias="-c", help="tilth.toml (default: the one here or above)")]
RunName = Annotated[str, Parameter(name="--run", help="its id or its folder")]
TaskName = Annotated[str | None, Parameter(help="the task (default: the last one, which is the finest)")]
Json = Annotated[bool, Parameter(name="--json", help="print JSON, and nothing else, on standard output")]
Dash = Parameter(allow_leading_hyphen=True)
"""Of a file that may be `-`, which is standard input or output."""
