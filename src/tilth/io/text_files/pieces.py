"""The rows of a CSV or JSONL file a piece at a time, in plain Python: an exported model answers them with no Arrow.

What is reported of a line has the line's own number, whichever piece it stands in.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tilth.io.text_files import input_files
from tilth.io.text_files.columns import column_names
from tilth.io.text_files.csv_lines import CsvText, is_ours, unreadable_reason
from tilth.io.text_files.json_lines import read_objects
from tilth.notes import Notes
from tilth.text import unescape_formula

_AT_MOST = 8  # pieces that a quote may stay open for, before it is taken for one that nobody closes
_PACKED, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True)
class TextPiece:
    """Some rows of a file.

    Attributes:
        columns: their names, in order; a row of JSONL may lack some.
        rows: each a record by its columns' names.
        kinds: the type of values of columns that were put beside, `str` or `float`.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    kinds: Mapping[str, type] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, column: str) -> list[Any]:
        """A column's values, None where a row has none."""
        return [row.get(column) for row in self.rows]

    def raw(self, column: str) -> list[Any]:
        """The same; of Parquet, bytes as they are."""
        return self.values(column)

    def part(self, first: int, last: int) -> TextPiece:
        """The rows from one place to before another."""
        return TextPiece(self.columns, self.rows[first:last], self.kinds)

    def as_text(self) -> TextPiece:
        """The piece itself; of Parquet, the same rows in Python's own types."""
        return self

    def beside(self, new: Mapping[str, Sequence[Any]], kinds: Mapping[str, type]) -> TextPiece:
        """The rows with further columns, each with a value a row."""
        rows = [
            {**row, **dict(zip(new, values, strict=True))}
            for row, values in zip(self.rows, zip(*new.values(), strict=True), strict=True)
        ]
        return TextPiece((*self.columns, *new), rows, {**self.kinds, **kinds})


@dataclass(frozen=True)
class Source:
    """A file that is being read.

    Attributes:
        path: of the file.
        kind: its ending, one of `input_files.KINDS`.
        stream: its content, unpacked, UTF-8 where it is text.
        raw: the file itself, to see how far it is read.
    """

    path: Path
    kind: str
    stream: Any
    raw: Any


@contextmanager
def opened(name: str, root: Path, notes: Notes) -> Iterator[Source]:
    """A file, packed by gzip or not, or standard input.

    Raises:
        InputError: it is missing, or no kind that tilth reads.
    """
    path = input_files.located(name, root)
    with _raw(name, path) as raw:
        stream: Any = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == _PACKED else raw
        if stream.peek(2)[:2] in input_files.UTF16:  # by Excel, whose files are small
            stream = io.BufferedReader(io.BytesIO(input_files.from_utf16(stream.read(), path, notes)))
        head = stream.peek(1 << 12)[: 1 << 12]
        kind = ".parquet" if head[:4] == _PARQUET else input_files.kind(head, path)
        yield Source(path=path, kind=kind, stream=stream, raw=raw)


def _raw(name: str, path: Path) -> Any:
    return io.BufferedReader(sys.stdin.buffer) if name == input_files.STANDARD_INPUT else path.open("rb")


def text_pieces(
    source: Source, notes: Notes, wanted: Iterable[str], piece: int, passed: Callable[[int], None] | None
) -> Iterator[TextPiece]:
    """The rows of a CSV or JSONL file.

    Args:
        source: the file.
        notes: where lines that could not be read are noted.
        wanted: columns that the rows should have.
        piece: bytes of a piece, more or less.
        passed: called after each piece with how many bytes of the file are behind.

    Raises:
        InputError: it is not UTF-8, or not what its name says.
    """
    is_jsonl = source.kind in {".jsonl", ".ndjson"}
    header, before = b"", 0
    for part in _whole_rows(source.stream, piece, quoted=not is_jsonl):
        if before and not part.strip():
            before += part.count(b"\n")
            continue
        if is_jsonl:
            found = _of_objects(read_objects(part, source.path, notes, before), source.path, notes)
        else:
            data = input_files.utf8(part, source.path, before)
            found = _of_csv(header + data, source.path, notes, wanted, before - header.count(b"\n"))
            header = header or _header_lines(data)
        if passed is not None and source.raw.seekable():
            passed(source.raw.tell())
        yield found
        before += part.count(b"\n")


def _of_objects(objects: list[dict[str, Any]], path: Path, notes: Notes) -> TextPiece:
    keys = list(dict.fromkeys(key for row in objects for key in row))
    names = column_names(keys, path, notes)
    if names != keys:
        named = dict(zip(keys, names, strict=True))
        objects = [{named[key]: value for key, value in row.items() if named[key]} for row in objects]
    return TextPiece(tuple(filter(None, names)), objects)


def _of_csv(data: bytes, path: Path, notes: Notes, wanted: Iterable[str], shift: int) -> TextPiece:
    """The rows of a header and lines below it, which stand in the file so many lines further down than here."""
    found = CsvText.of(data, path, wanted)
    rows, broken = found.rows()
    if broken and not rows and shift <= 0:
        raise found.none_fits(len(broken))
    broken = [(line + max(shift, 0), content) for line, content in broken]
    notes.lines(path.name, broken, unreadable_reason(broken, len(found.header)))
    names = [unescape_formula(name) for name in found.header]
    if is_ours(names):
        rows = [[unescape_formula(value) for value in row] for row in rows]
    else:
        names = found.header
    names = column_names(names, path, notes if shift <= 0 else None)
    kept = [place for place, name in enumerate(names) if name]
    records = [{names[place]: row[place] for place in kept} for row in rows]
    return TextPiece(tuple(filter(None, names)), records)


def _header_lines(part: bytes) -> bytes:
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
