"""The options that several commands share: each has one name, one type and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext


def _shown(default: Any) -> str | None:
    """What a help page says of a default: nothing where it is "off" or "none"."""
    return None if default in (None, False, "", ()) else str(default)


def _files(context: CompletionContext) -> list[str]:
    """What is there that begins as the word does that a shell completes."""
    folder, _, start = context.incomplete.rpartition("/")
    there = Path(folder or ("/" if context.incomplete.startswith("/") else "."))
    before = context.incomplete.removesuffix(start)
    entries = sorted(there.iterdir()) if there.is_dir() else []
    return [f"{before}{one.name}{'/' * one.is_dir()}" for one in entries if one.name.startswith(start)]


DEFAULT = Parameter(negative=(), show_default=_shown)
"""Of every parameter: a flag has no opposite, and a default that says nothing is not shown."""

Config = Annotated[Path | None, Parameter(alias="-c", help="tilth.toml (default: the one here or above)")]
RunName = Annotated[str, Parameter(name="--run", help="its id or its folder")]
TaskName = Annotated[str | None, Parameter(help="the task (default: the last one, which is the finest)")]
Sets = Annotated[
    tuple[str, ...],
    Parameter(name="set", metavar="KEY=VALUE", help="a key of tilth.toml, for this time; may be repeated"),
]
Runs = Annotated[Path | None, Parameter(help="the parent of the run folders, where they are not in data/runs")]
Json = Annotated[bool, Parameter(name="--json", help="print JSON, and nothing else, on standard output")]
Dash = Parameter(allow_leading_hyphen=True)
"""Of a file that may be `-`, which is standard input or output."""
Rows = Parameter(allow_leading_hyphen=True, completer=_files)
"""Of rows that are named by a file, by `-`, or by hf:owner/name; a shell completes them as files."""
