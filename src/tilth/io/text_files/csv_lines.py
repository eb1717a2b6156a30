"""Rows of a CSV file in plain Python: what separates its values, and what a quote that nobody closed leaves of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from tilth.errors import InputError
from tilth.notes import many
from tilth.text import clean

_SEPARATORS = (",", ";", "\t", "|")
INNER = 5
"""Whole rows inside one value, from which on it is taken for a quote that nobody closed."""
_OURS = (
    (("rank", "id", "text", "score"), "_suggested", "_answer"),
    (("id", "text", "source", "parent_id"), "_weight", "_origin"),
    ((), "_predicted_confidence", "_predicted"),
)
"""Of the files that tilth writes: columns that stand for themselves, and ends of two that each task has."""
_LONGEST = 1 << 24  # characters of a value where a file is read line by line


@dataclass(frozen=True, kw_only=True)
class CsvText:
    """The content of a CSV file, and how it is written.

    Attributes:
        path: of the file, for messages.
        data: its bytes, without Excel's own line for what separates the values.
        separator: what separates the values.
        header: the columns' names.
        lines_above: lines of the file that stand above the header, 0 or 1.
    """

    path: Path
    data: bytes
    separator: str
    header: list[str]
    lines_above: int

    @classmethod
    def of(cls, data: bytes, path: Path, wanted: Iterable[str] = ()) -> Self:
        """Of a file's content, UTF-8 without a byte order mark.

        Args:
            data: the content.
            path: of the file, for messages and, where it ends in .tsv, for what separates its values.
            wanted: columns that the file should have; what separates its values is what finds most of them.

        Raises:
            InputError: the first line is blank or opens a quote that nobody closed.
        """
        line = re.match(rb"sep=([\t!-~])\r?\n", data)  # Excel's own line for what separates the values
        data = data[line.end() :] if line else data
        text = data.decode("utf-8")
        separator = line.group(1).decode() if line else _separator(text, path, wanted)
        header = _header(text, path, separator)
        return cls(path=path, data=data, separator=separator, header=header, lines_above=int(line is not None))

    def rows(self) -> tuple[list[list[str]], list[tuple[int, str]]]:
        """The rows below the header, read line by line, and the lines that could not be read, with their numbers."""
        rows, lost = _line_by_line(list(io.StringIO(self.data.decode("utf-8"), newline="")), self.separator)
        return rows, [(line + self.lines_above, content) for line, content in lost]

    def none_fits(self, count: int) -> InputError:
        """What is said of a file of which no row, out of so many, has as many values as its header."""
        return InputError(
            f"{self.path}: none of its {count} rows has as many values, separated by {self.separator!r}, as the "
            f"header, which has {len(self.header)}; put quotes around values that hold {self.separator!r}"
        )


def unreadable_reason(broken: Iterable[tuple[int, str]], columns: int) -> str:
    """Why lines could not be read that have other values than a header of so many columns."""
    curly = any("“" in line or "„" in line for _, line in broken)
    reason = f"more or fewer values than the {many(columns, 'column')} of the header, or a quote that nobody closes"
    return reason + (' (“ and ” are no quotes in CSV: put " around values)' if curly else "")


def _separator(text: str, path: Path, wanted: Iterable[str]) -> str:
    """What finds most of the wanted columns; among equals a comma, unless the header has none and one of the others."""
    line = io.StringIO(text, newline="").readline()
    usual = "\t" if path.suffix.lower() == ".tsv" else next((one for one in _SEPARATORS if one in line), ",")
    columns = set(wanted)
    return max([usual, *_SEPARATORS], key=lambda one: len(columns & {clean(name) for name in _split(line, one)}))


def _header(text: str, path: Path, separator: str) -> list[str]:
    lines = io.StringIO(text, newline="")
    if not lines.readline().strip():
        first = next((number for number, line in enumerate(lines, 2) if line.strip()), 2)
        raise InputError(
            f"{path}: line 1 is blank; expected the columns' names there, which seem to stand in line {first}; leave "
            f"out what is above them, for example: tail -n +{first} {path.name} > named-{path.name}"
        )
    lines.seek(0)
    try:
        names = next(csv.reader(lines, delimiter=separator))
    except csv.Error:
        names = ["\n" * INNER]
    if any(name.count("\n") >= INNER for name in names):
        raise InputError(f"{path}: a quote that nobody closes opens in line 1, among the columns' names; close it")
    return names


def is_ours(names: Sequence[str]) -> bool:
    """Whether tilth wrote a file of these columns: its queue, an export, or answers of `tilth predict`."""
    columns = set(names)
    for own, one, other in _OURS:
        tasks = {name.removesuffix(one) for name in columns if name.endswith(one)}
        if columns.issuperset(own) and any(f"{task}{other}" in columns for task in tasks):
            return True
    return False


def swallows(value: str, width: int, separator: str) -> bool:
    """Whether a value looks like rows: what a text's lines hold is hardly ever one row each, and none of them blank."""
    inner = value.splitlines()[1:-1]
    try:
        return len(inner) >= INNER and all(len(row) == width for row in csv.reader(inner, delimiter=separator))
    except csv.Error:  # a line longer than a value may be
        return False


def _line_by_line(lines: Sequence[str], separator: str) -> tuple[list[list[str]], list[tuple[int, str]]]:
    """The rows below the header; after one that cannot be read, reading goes on with the line below its first."""
    rows: list[list[str]] = []
    broken: list[tuple[int, str]] = []
    place, width = 0, 0
    limit = csv.field_size_limit(_LONGEST)
    try:
        while place < len(lines):
            start, reader = place, csv.reader(islice(lines, place, None), delimiter=separator)
            try:
                for row in reader:
                    end = start + reader.line_num
                    span, width = lines[place:end], width or len(row)
                    if _readable(row, span, width, separator, at_end=end == len(lines)):
                        rows.append(row)
                    elif row:
                        broken.append((place + 1, lines[place]))
                        if len(span) > 1:
                            place += 1
                            break
                    place = end
            except csv.Error:  # a value beyond the limit
                broken.append((place + 1, lines[place]))
                place += 1
    finally:
        csv.field_size_limit(limit)
    return rows[1:], broken


def _readable(row: Sequence[str], span: Sequence[str], width: int, separator: str, *, at_end: bool) -> bool:
    if len(row) != width:
        return False
    if len(span) == 1:
        return True
    unclosed = at_end and sum(line.count('"') for line in span) % 2
    return not unclosed and (width == 1 or not any(swallows(value, width, separator) for value in row))


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a line longer than a value may be
        return []
