"""What one value of a column of pictures names: a path or bytes; plain Python, for `tilth predict` reads them, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MOST_BYTES = 256 * 2**20
"""Of one picture's file; a longer one is not read."""


def is_nothing(value: Any) -> bool:
    """Whether a value names no picture: null, NaN, blank, or a record of nothing."""
    if isinstance(value, dict):
        return is_nothing(value.get("bytes")) and is_nothing(value.get("path"))
    if isinstance(value, str | bytes | bytearray):
        return not value.strip()
    return value is None or bool(value != value)  # noqa: PLR0124  # NaN alone is not itself


def picture_value(value: Any) -> str | bytes | None:
    """A path or a content by one value of a column; None where it names none.

    Args:
        value: a path, bytes, or a record of `bytes` and `path`, as `datasets.Image` writes it.
    """
    if is_nothing(value):
        return None
    if isinstance(value, dict):
        value = value["path"] if is_nothing(value.get("bytes")) else value["bytes"]
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).strip()


def locate_picture(name: str, base: Path) -> tuple[Path | None, str | None]:
    """The file that a path names, links followed; None and why, where it is none of the input file's folder."""
    try:
        path = (base / name).resolve()
        if not path.is_relative_to(base.resolve()):
            return None, "outside"
        if not path.is_file():
            return None, "missing"
        return (path, None) if path.stat().st_size <= MOST_BYTES else (None, "too_large")
    except (OSError, ValueError, RuntimeError):  # too long a name, a zero byte in it, links in a circle
        return None, "missing"
