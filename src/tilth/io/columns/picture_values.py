"""What one value of a column of pictures names: a path or bytes; plain Python, for `tilth predict` reads them, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth.pictures import PictureError, open_picture

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


def read_picture(value: str | bytes, base: Path, max_pixels: int) -> tuple[Path | None, bytes, bool]:
    """One picture, seen to be whole: its file, None where it came as bytes, its content, and whether it moves.

    Args:
        value: as `picture_value` gives it.
        base: the input file's folder, which paths start from, and lead out of in vain.
        max_pixels: of the picture.

    Raises:
        PictureError: it cannot be used; its kind is `missing`, `outside`, `broken` or `too_large`.
    """
    if isinstance(value, bytes):
        return None, value, open_picture(value, max_pixels)[1]
    path = _located(value, base)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureError("missing", str(error)) from error
    return path, content, open_picture(content, max_pixels)[1]


def _located(name: str, base: Path) -> Path:
    """The file that a path names, links followed."""
    try:
        path = (base / name).resolve()
        inside, there = path.is_relative_to(base.resolve()), path.is_file()
        size = path.stat().st_size if there else 0
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a zero byte in it, links in a circle
        raise PictureError("missing", str(error)) from error
    if not inside:
        raise PictureError("outside", f"{name} leads out of {base}")
    if not there:
        raise PictureError("missing", f"{name} is no file")
    if size > MOST_BYTES:
        raise PictureError("too_large", f"{name} has more than {MOST_BYTES:,} bytes")
    return path
