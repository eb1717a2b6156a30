"""Rows of a CSV file, whatever separates its values, and what a quote that nobody closed leaves of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tilth.errors import InputError
from tilth.text import clean, unescape_formula

_SEPARATORS = (",", ";", "\t", "|")
_INNER = 5  # whole rows inside one value, from which on it is taken for a quote that nobody closed
_OURS = (
    (("rank", "id", "text", "score"), "_suggested", "_answer"),
    (("id", "text", "source", "parent_id"), "_weight", "_origin"),
    ((), "_predicted_confidence", "_predicted"),
)
"""Of the files that tilth writes: columns that stand for themselves, and ends of two that each task has."""
_LONGEST = 1 << 24  # characters of a value where a file is read line by line


def parse(data: bytes, path: Path, wanted: Iterable[str] = ()) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """The rows as text, and the lines that could not be read, each with its number from 1.

    A line with more or fewer values than the header is left out. A quote that nobody closed would take the rows below
    it into one value: there, only its own line is lost. What tilth wrote comes back as it was, formulas included.

    Args:
        data: The file's content, UTF-8 without a byte order mark.
        path: Of the file, for messages and, where it ends in .tsv, for what separates its values.
        wanted: Columns that the file should have; what separates its values is what finds most of them.

    Raises:
        InputError: The first line is blank or opens a quote that nobody closed, or no line fits the header.
    """
    separator_line = re.match(rb"sep=([\t!-~])\r?\n", data)  # Excel's own line for what separates the values
    data = data[separator_line.end() :] if separator_line else data
    text = data.decode("utf-8")
    separator = separator_line.group(1).decode() if separator_line else _separator(text, path, wanted)
    header = _header(text, path, separator)
    uneven = False

    def skip(_row: Any) -> str:
        nonlocal uneven
        uneven = True
        return "skip"

    try:
        read = pacsv.read_csv(
            io.BytesIO(data if data.endswith(b"\n") else data + b"\n"),
            read_options=pacsv.ReadOptions(block_size=max(1 << 20, min(len(data) + 1, 1 << 30))),
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not CSV: {error}") from None
    frame, broken = read.to_pandas(), []
    if uneven or data.count(b'"') % 2 or _any_swallows(read, separator):
        rows, lost = _line_by_line(list(io.StringIO(text, newline="")), separator)
        frame = pd.DataFrame(rows, columns=header, dtype=object)
        broken = [(line + bool(separator_line), content) for line, content in lost]
    if broken and frame.empty:
        raise InputError(
            f"{path}: none of its {len(broken)} rows has as many values, separated by {separator!r}, as the header, "
            f"which has {len(header)}; put quotes around values that hold {separator!r}"
        )
    return _as_they_were(frame), broken


def _separator(text: str, path: Path, wanted: Iterable[str]) -> str:
    """What finds most of the wanted columns; among equals a comma, unless the header has none and one of the others."""
    line = io.StringIO(text, newline="").readline()
    usual = "\t" if path.suffix.lower() == ".tsv" else next((one for one in _SEPARATORS if one in line), ",")
    columns = set(wanted)
    return max([usual, *_SEPARATORS], key=lambda one: len(columns & {clean(name) for name in _split(line, one)}))


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a line longer than a value may be
        return []


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
        names = ["\n" * _INNER]
    if any(name.count("\n") >= _INNER for name in names):
        raise InputError(f"{path}: a quote that nobody closes opens in line 1, among the columns' names; close it")
    return names


def _as_they_were(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, and what tilth made harmless in a file of its own as it was."""
    names = [unescape_formula(name) for name in frame.columns]
    if not _ours(names):
        return frame
    return frame.map(unescape_formula).set_axis(names, axis=1)


def _ours(names: Sequence[str]) -> bool:
    """Whether tilth wrote a file of these columns: its queue, an export, or answers of `tilth predict`."""
    columns = set(names)
    for own, one, other in _OURS:
        tasks = {name.removesuffix(one) for name in columns if name.endswith(one)}
        if columns.issuperset(own) and any(f"{task}{other}" in columns for task in tasks):
            return True
    return False


def _any_swallows(read: pa.Table, separator: str) -> bool:
    if read.num_columns == 1:  # any line would be a row
        return False
    for column in read.columns:
        long = pc.filter(column, pc.greater_equal(pc.count_substring(column, "\n"), _INNER))
        if any(_swallows(value, read.num_columns, separator) for value in long.to_pylist()):
            return True
    return False


def _swallows(value: str, width: int, separator: str) -> bool:
    """Whether a value looks like rows: what a text's lines hold is hardly ever one row each, and none of them blank."""
    inner = value.splitlines()[1:-1]
    try:
        return len(inner) >= _INNER and all(len(row) == width for row in csv.reader(inner, delimiter=separator))
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
    return not unclosed and (width == 1 or not any(_swallows(value, width, separator) for value in row))
