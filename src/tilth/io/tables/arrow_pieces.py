"""The rows of a Parquet file or of a data set, a piece at a time, and rows into a Parquet file."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import InputError, RequestError
from tilth.io.tables.class_names import class_names, names_in_place
from tilth.io.text_files import Source, TextPiece
from tilth.notes import Notes, many

_TYPES = {str: pa.string(), float: pa.float64()}


@dataclass(frozen=True)
class ArrowPiece:
    """Some rows of a Parquet file, in the types that they have there."""

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self.table.column_names)

    def values(self, column: str) -> list[Any]:
        """A column's values, None where a row has none."""
        return [_readable(value) for value in self.table[column].to_pylist()]

    def raw(self, column: str) -> list[Any]:
        """The same, with bytes as they are."""
        found: list[Any] = self.table[column].to_pylist()
        return found

    def part(self, first: int, last: int) -> ArrowPiece:
        """The rows from one place to before another."""
        return ArrowPiece(self.table.slice(first, last - first))

    def as_text(self) -> TextPiece:
        """The rows in Python's own types."""
        columns = {name: self.values(name) for name in self.columns}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return TextPiece(self.columns, rows)

    def beside(self, new: Mapping[str, Sequence[Any]], kinds: Mapping[str, type]) -> ArrowPiece:
        """The rows with further columns, each with a value a row."""
        table = self.table
        for name, values in new.items():
            table = table.append_column(name, pa.array(values, type=_TYPES[kinds[name]]))
        return ArrowPiece(table)


def _readable(value: Any) -> Any:
    """Text in place of bytes that are UTF-8, as which Spark and Impala may write a text."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return str(value)


def parquet_pieces(
    source: Source, notes: Notes, piece: int, passed: Callable[[int], None] | None
) -> Iterator[ArrowPiece]:
    """The rows of a Parquet file; see `file_pieces.read_pieces`.

    Raises:
        InputError: it is not Parquet.
    """
    path = source.path
    try:
        file = pq.ParquetFile(source.stream if source.stream.seekable() else io.BytesIO(source.stream.read()))
        classes = class_names(file.schema_arrow)
        held = f"{path.name} held numbers of classes in {many(len(classes), 'column')}"
        message = f"{held}, and is read with the classes' names"
        notes.add("classes_by_name", len(classes), message, f'column "{next(iter(classes), "")}"')
        before = 0
        for batch in file.iter_batches(batch_size=max(1, piece >> 10)):
            table = pa.Table.from_batches([batch])
            table = table.drop_columns([one for one in table.column_names if re.fullmatch(r"__index_level_\d+__", one)])
            found = ArrowPiece(_named(table, classes, path.name, before, notes).replace_schema_metadata())
            before += len(found)
            if passed is not None and source.raw.seekable():
                passed(source.raw.tell())
            yield found
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None


def data_set_piece(name: str, root: Path, notes: Notes, wanted: Iterable[str]) -> ArrowPiece:
    """All rows of a data set of the Hub, or of one that `datasets` saved."""
    from tilth.io.tables import readers  # loads pandas and datasets

    frame, _ = readers.read_rows(name, root, notes, wanted)
    return ArrowPiece(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata())


class ParquetWriter:
    """Rows into one Parquet file, a piece at a time."""

    def __init__(self, target: Path | None) -> None:
        """Begin a file; without a target, standard output."""
        self._target = target
        self._stream: Any = sys.stdout.buffer if target is None else target.open("wb")
        self._writer: pq.ParquetWriter | None = None

    def add(self, piece: TextPiece | ArrowPiece) -> None:
        """Write a piece's rows.

        Raises:
            RequestError: a column holds another kind of value than in the pieces before, which Parquet does not take.
        """
        schema = self._writer.schema if self._writer is not None else None
        try:
            rows = piece.table if isinstance(piece, ArrowPiece) else _as_table(piece, schema)
            rows = rows if schema is None else rows.cast(schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError, ValueError) as error:
            raise RequestError(
                f"not every row fits one kind of column, as Parquet wants; give .jsonl ({error})"
            ) from None
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._stream, rows.schema)
        self._writer.write_table(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The file is closed, whole or not; who failed throws it away."""
        if self._writer is not None:
            self._writer.close()
        if self._target is not None:
            self._stream.close()


def _as_table(piece: TextPiece, schema: pa.Schema | None) -> pa.Table:
    names = piece.columns if schema is None else schema.names
    if later := [name for name in piece.columns if name not in names]:
        raise KeyError(f'column "{later[0]}" begins far below the first row')
    types = {name: _TYPES[piece.kinds[name]] for name in names if name in piece.kinds}
    if schema is not None:
        types = dict(zip(schema.names, schema.types, strict=True))
    return pa.table({name: pa.array(piece.values(name), type=types.get(name)) for name in names})


def _named(table: pa.Table, classes: Mapping[str, Sequence[str]], file: str, before: int, notes: Notes) -> pa.Table:
    """The rows, of which so many stand before these, with names in place of the numbers of classes."""
    for column, names in classes.items():
        if pa.types.is_string(table.schema.field(column).type):
            continue
        place = table.column_names.index(column)
        values = names_in_place(table[column].to_pylist(), names, column, file, notes, before)
        table = table.set_column(place, column, pa.array(values, type=pa.string()))
    return table
