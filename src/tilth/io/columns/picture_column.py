"""The column of pictures of one input file: each checked, and kept as a reference; a bad one is set aside and counted.

A value is a path relative to the input file, or, in Parquet, bytes or a record of `bytes` and `path`, as
`datasets.Image` writes it. Bytes are written to the cache, under their digest; no table ever holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.io.columns.picture_values import is_nothing, picture_value, read_picture
from tilth.notes import FILE, Notes
from tilth.pictures import PICTURES_OF, PictureError
from tilth.store import Cache, atomic, digest, used

PICTURE_COLUMNS = ("picture_digest", "picture_path")

_PROBLEMS = {
    "missing": "could not be found",
    "outside": "named by paths that lead out of the input file's folder, which is refused",
    "broken": "could not be read whole as PNG, JPEG, GIF, WebP, BMP or TIFF",
    "too_large": "larger than allowed (image.max_pixels)",
    "not_kept": "came as bytes, and there is no workspace to keep them in",
}
_LONGEST_NAME = 80  # characters of a path that a note shows


@dataclass(frozen=True, kw_only=True)
class PicturePlace:
    """Where the pictures of one input file are looked for, and kept.

    Attributes:
        base: the input file's folder, out of which no path may lead.
        root: the workspace's folder, which references are relative to where they can be.
        cache: keeps pictures that came as bytes; None where there is none.
        max_pixels: see `tilth.config.ImageConfig`.
    """

    base: Path
    root: Path
    cache: Cache | None
    max_pixels: int


def read_pictures(column: pd.Series, rows: pd.DataFrame, place: PicturePlace, notes: Notes) -> pd.DataFrame:
    """References to the pictures of a column: `picture_digest`, of the content, and `picture_path`; null for none.

    Args:
        column: paths, bytes, records of both, or nothing.
        rows: where each row stands, for the notes.
        place: where paths start from.
        notes: where pictures are counted that were set aside.
    """
    found, problems = [], []
    for value in column:
        reference, problem = _read(value, place)
        found.append(reference or (None, None))
        problems.append(problem)
    kinds = pd.Series(problems, index=column.index, dtype=object)
    for kind, why in _PROBLEMS.items():
        mask = kinds.eq(kind)
        named = f", such as {_name(column[mask].iloc[0])}" if mask.any() else ""
        notes.rows(f"pictures_{kind}", rows, mask, "picture", f"{why}{named}: left out, only the text is used")
    notes.rows("pictures_animated", rows, kinds.eq("animated"), "picture", "with several frames: the first is taken")
    return pd.DataFrame(found, columns=list(PICTURE_COLUMNS), index=column.index, dtype=object)


def pictures_record(references: pd.DataFrame, rows: pd.DataFrame, split: str) -> dict[str, Any]:
    """What the run's record says of a file's pictures, so that a night knows when one has changed."""
    there = references["picture_digest"].dropna()
    return {
        "path": f"{PICTURES_OF}{rows[FILE].iloc[0]}",
        "sha256": digest(*references["picture_digest"].fillna("")),
        "rows": len(there),
        "split": split,
    }


def are_paths(column: pd.Series) -> bool:
    """Whether a column holds nothing but paths, which a table may keep as they are."""
    return all(isinstance(value, str) or is_nothing(value) for value in column)


def _name(value: Any) -> str:
    """A value of the column as a note shows it: its path in quotes, or what it is."""
    named = picture_value(value)
    return f'"{named[:_LONGEST_NAME]}"' if isinstance(named, str) else "one that came as bytes"


def _read(value: Any, place: PicturePlace) -> tuple[tuple[str, str] | None, str | None]:
    """One picture's digest and path, and what is wrong with it or to be known of it."""
    content = picture_value(value)
    if content is None:
        return None, None
    try:
        path, content, animated = read_picture(content, place.base, place.max_pixels)
    except PictureError as error:
        return None, error.kind
    name = digest(content)
    if path is None:
        if place.cache is None:
            return None, "not_kept"
        path = _keep(content, place.cache.folder("pictures", name))
    return (name, _relative(path, place.root)), "animated" if animated else None


def _keep(content: bytes, path: Path) -> Path:
    if path.exists():
        used(path)
        return path
    with atomic(path) as unfinished:
        unfinished.write_bytes(content)
    return path


def _relative(path: Path, root: Path) -> str:
    whole, start = path.resolve(), root.resolve()
    return (whole.relative_to(start) if whole.is_relative_to(start) else whole).as_posix()
