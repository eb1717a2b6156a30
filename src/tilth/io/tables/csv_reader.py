"""Rows of a CSV file, whatever separates its values, and what a quote that nobody closed leaves of them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tilth.errors import InputError
from tilth.io.text_files import INNER, CsvText, is_ours, swallows
from tilth.text import unescape_formula


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
    content = CsvText.of(data, path, wanted)
    uneven = False

    def skip(_row: Any) -> str:
        nonlocal uneven
        uneven = True
        return "skip"

    try:
        read = pacsv.read_csv(
            io.BytesIO(content.data if content.data.endswith(b"\n") else content.data + b"\n"),
            read_options=pacsv.ReadOptions(block_size=max(1 << 20, min(len(content.data) + 1, 1 << 30))),
            parse_options=pacsv.ParseOptions(
                delimiter=content.separator, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(content.header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not CSV: {error}") from None
    frame = read.to_pandas()
    broken: list[tuple[int, str]] = []
    if uneven or content.data.count(b'"') % 2 or _any_swallows(read, content.separator):
        rows, broken = content.rows()
        frame = pd.DataFrame(rows, columns=content.header, dtype=object)
    if broken and frame.empty:
        raise content.none_fits(len(broken))
    return _as_they_were(frame), broken


def _as_they_were(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, and what tilth made harmless in a file of its own as it was."""
    names = [unescape_formula(name) for name in frame.columns]
    if not is_ours(names):
        return frame
    return frame.map(unescape_formula).set_axis(names, axis=1)


def _any_swallows(read: pa.Table, separator: str) -> bool:
    if read.num_columns == 1:  # any line would be a row
        return False
    for column in read.columns:
        long = pc.filter(column, pc.greater_equal(pc.count_substring(column, "\n"), INNER))
        if any(swallows(value, read.num_columns, separator) for value in long.to_pylist()):
            return True
    return False
