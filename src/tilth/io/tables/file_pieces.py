"""The rows of a file a piece at a time, in and out, so that a file of any size needs the memory of a piece.

CSV and JSONL are read and written in plain Python; Parquet and data sets load Arrow, and only then.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from tilth.errors import RequestError
from tilth.io import text_files
from tilth.io.text_files import HUB, SAVED, TextPiece, TextWriter
from tilth.notes import Notes

if TYPE_CHECKING:
    from tilth.io.tables.arrow_pieces import ArrowPiece

Piece: TypeAlias = "TextPiece | ArrowPiece"
"""Some rows of a file."""
PIECE = 8 << 20
"""Bytes of a piece, more or less."""


class PieceWriter(Protocol):
    """Writes pieces into one file."""

    def add(self, piece: Any) -> None:
        """Write a piece's rows."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def read_pieces(
    name: str,
    root: Path,
    notes: Notes,
    wanted: Iterable[str] = (),
    piece: int = PIECE,
    passed: Callable[[int], None] | None = None,
) -> Iterator[Piece]:
    """The rows of a CSV, JSONL or Parquet file, packed by gzip or not, of standard input or of a data set.

    Args:
        name: of a file, "-" for standard input, or hf:owner/name:split.
        root: the folder that a relative name starts from.
        notes: where lines that could not be read are noted.
        wanted: columns that the rows should have.
        piece: bytes of a piece, more or less.
        passed: called after each piece with how many bytes of the file are behind.

    Raises:
        InputError: the file is missing, of another kind, neither UTF-8 nor UTF-16, or not what its name says.
        RequestError: a package that reads it is not installed.
    """
    if name.startswith(HUB) or (root / name / SAVED).is_file():
        _need(f"reading the data set {name}", "pyarrow", "pandas", "datasets")
        from tilth.io.tables.arrow_pieces import data_set_piece

        yield data_set_piece(name, root, notes, wanted)
        return
    with text_files.opened(name, root, notes) as source:
        if source.kind != ".parquet":
            yield from text_files.text_pieces(source, notes, wanted, piece, passed)
            return
        _need(f"reading {source.path.name}, a Parquet file,", "pyarrow")
        from tilth.io.tables.arrow_pieces import parquet_pieces

        yield from parquet_pieces(source, notes, piece, passed)


def piece_writer(kind: str, target: Path | None) -> PieceWriter:
    """Begin a file of a kind, "csv", "jsonl" or "parquet"; without a target, standard output.

    Raises:
        RequestError: a package that writes it is not installed.
    """
    if kind != "parquet":
        return TextWriter(kind, target)
    _need("writing Parquet", "pyarrow")
    from tilth.io.tables.arrow_pieces import ParquetWriter

    return ParquetWriter(target)


def _need(what: str, *packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(
            f"{what} takes {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            f"pip install {' '.join(missing)} (CSV and JSONL take nothing beside Python)"
        )
