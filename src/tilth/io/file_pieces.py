"""The rows of a file a piece at a time, in and out, so that a file of any size needs the memory of a piece.

Each piece is read as `readers.read_rows` reads a whole file; blank lines stand for the lines before it, so that what is
reported of a line has the line's own number.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import InputError, RequestError
from tilth.io import export_files, input_files, readers
from tilth.notes import Notes, many

PIECE = 8 << 20
"""Bytes of a piece, more or less."""

_TEXT = pd.ArrowDtype(pa.string())
_AT_MOST = 8  # pieces that a quote may stay open for, before it is taken for one that nobody closes
_PACKED, _PARQUET = b"\x1f\x8b", b"PAR1"


def read_pieces(
    name: str,
    root: Path,
    notes: Notes,
    wanted: Iterable[str] = (),
    piece: int = PIECE,
    passed: Callable[[int], None] | None = None,
) -> Iterator[pd.DataFrame]:
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
    """
    if name.startswith(input_files.HUB) or (root / name / input_files.SAVED).is_file():
        yield readers.read_rows(name, root, notes, wanted)[0]
        return
    path = input_files.located(name, root, readers.KINDS)
    with _opened(name, path) as raw:
        stream: Any = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == _PACKED else raw
        if stream.peek(2)[:2] in input_files.UTF16:  # by Excel, whose files are small
            stream = io.BufferedReader(io.BytesIO(input_files.from_utf16(stream.read(), path, notes)))
        head = stream.peek(1 << 12)[: 1 << 12]
        kind = ".parquet" if head[:4] == _PARQUET else input_files.kind(head, path, readers.KINDS)
        parts = _arrow(stream, path, piece, notes) if kind == ".parquet" else _texts(stream, kind, piece)
        for part in parts:
            frame = part if isinstance(part, pd.DataFrame) else readers.frame(part, path, kind, notes, wanted)
            if passed is not None and raw.seekable():
                passed(raw.tell())
            yield frame


def _opened(name: str, path: Path) -> Any:
    return io.BufferedReader(sys.stdin.buffer) if name == input_files.STANDARD_INPUT else path.open("rb")


def _arrow(stream: Any, path: Path, piece: int, notes: Notes) -> Iterator[pd.DataFrame]:
    try:
        source = stream if stream.seekable() else io.BytesIO(stream.read())
        file = pq.ParquetFile(source)
        classes = readers.class_names(file.schema_arrow)
        held = f"{path.name} held numbers of classes in {many(len(classes), 'column')}"
        message = f"{held}, and is read with the classes' names"
        notes.add("classes_by_name", len(classes), message, f'column "{next(iter(classes), "")}"')
        for batch in file.iter_batches(batch_size=max(1, piece >> 10)):
            frame = batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
            frame = frame.drop(columns=[name for name in frame if re.fullmatch(r"__index_level_\d+__", str(name))])
            frame = readers.with_class_names(frame, classes, path.name, notes)
            yield frame.astype(dict.fromkeys(classes, _TEXT))  # a piece without a label would have no type
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None


def _texts(stream: IO[bytes], kind: str, piece: int) -> Iterator[bytes]:
    """Whole rows of a text file, each part as a file of its own."""
    jsonl, header, before = kind in {".jsonl", ".ndjson"}, b"", 0
    for part in _whole_rows(stream, piece, quoted=not jsonl):
        if not before:
            yield part
            header = b"" if jsonl else _header(part)
        elif part.strip():
            yield header + b"\n" * (before - header.count(b"\n")) + part
        before += part.count(b"\n")


def _header(part: bytes) -> bytes:
    """The lines of the columns' names, and Excel's own line above them for what separates the values."""
    lines = part.splitlines(keepends=True)
    end = 2 if lines[0].startswith(b"sep=") else 1
    while end < len(lines) and b"".join(lines[:end]).count(b'"') % 2:
        end += 1
    return b"".join(lines[:end])


def _whole_rows(stream: IO[bytes], piece: int, *, quoted: bool) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(piece):
        rest += block
        cut = _end(rest) if quoted else rest.rfind(b"\n") + 1
        if not cut and len(rest) > _AT_MOST * piece:
            cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _end(data: bytes) -> int:
    """Where the last row ends whose quotes are all closed."""
    cut = data.rfind(b"\n") + 1
    odd = data.count(b'"', 0, cut) % 2
    while cut and odd:
        before = data.rfind(b"\n", 0, cut - 1) + 1
        odd ^= data.count(b'"', before, cut) % 2
        cut = before
    return cut


class PieceWriter:
    """Rows into one file, a piece at a time: CSV, JSONL or Parquet."""

    def __init__(self, kind: str, target: Path | None) -> None:
        """Begin a file; without a target, standard output."""
        self._kind = kind
        self._target = target
        self._stream: Any = sys.stdout.buffer if target is None else target.open("wb")
        self._parquet: pq.ParquetWriter | None = None
        self._first = True

    def add(self, frame: pd.DataFrame) -> None:
        """Write a piece's rows.

        Raises:
            RequestError: a column holds another kind of value than in the pieces before, which Parquet does not take.
        """
        if self._kind == "parquet":
            self._add_parquet(frame)
        else:
            self._stream.write(export_files.as_text(frame, self._kind, header=self._first).encode("utf-8"))
            self._stream.flush()
        self._first = False

    def _add_parquet(self, frame: pd.DataFrame) -> None:
        schema = self._parquet.schema if self._parquet is not None else None
        try:
            rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata()
        except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError) as error:
            raise RequestError(
                f"not every row fits one kind of column, as Parquet wants; give .jsonl ({error})"
            ) from None
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._stream, rows.schema)
        self._parquet.write_table(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The file is closed, whole or not; who failed throws it away."""
        if self._parquet is not None:
            self._parquet.close()
        if self._target is not None:
            self._stream.close()
