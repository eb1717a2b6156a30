"""Rows into a CSV or JSONL file a piece at a time, in plain Python."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, Self

from tilth.errors import RequestError
from tilth.io.text_files.pieces import TextPiece
from tilth.text import escape_formula


class WritablePiece(Protocol):
    """Some rows of a file."""

    def as_text(self) -> TextPiece:
        """The rows in Python's own types."""


class TextWriter:
    """Rows into one file; no cell of a CSV file is run by a spreadsheet.

    Args:
        kind: "csv" or "jsonl".
        target: the file; without it, standard output.
    """

    def __init__(self, kind: str, target: Path | None) -> None:
        self._kind, self._target = kind, target
        self._stream: Any = sys.stdout.buffer if target is None else target.open("wb")
        self._columns: tuple[str, ...] = ()

    def add(self, piece: WritablePiece) -> None:
        """Write a piece's rows.

        Raises:
            RequestError: a row has a column that the rows before had not, which CSV does not take.
        """
        rows = piece.as_text()
        lines = self._csv(rows) if self._kind == "csv" else "".join(f"{json_line(row)}\n" for row in rows.rows)
        self._stream.write(lines.encode("utf-8"))
        self._stream.flush()

    def _csv(self, piece: TextPiece) -> str:
        written = io.StringIO(newline="")
        if not self._columns:
            self._columns = piece.columns
            _write_row(written, [escape_formula(name) for name in piece.columns])
        elif later := [name for name in piece.columns if name not in self._columns]:
            raise RequestError(
                f'a column "{later[0]}" begins far below the first row, and CSV has one header; give .jsonl'
            )
        for row in piece.rows:
            _write_row(written, [_cell(row.get(name)) for name in self._columns])
        return written.getvalue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The file is closed, whole or not; who failed throws it away."""
        if self._target is not None:
            self._stream.close()


def json_line(row: Any) -> str:
    """A value as JSON on one line; what JSON has no word for is written as it prints.

    >>> json_line({"text": "café", "price": float("nan"), "day": date(2026, 1, 31)})
    '{"text": "café", "price": null, "day": "2026-01-31"}'
    """
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=_printed)
    except ValueError:  # NaN or an infinity, which JSON has not
        return json.dumps(_finite(row), ensure_ascii=False, default=_printed)


def _printed(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> Any:
    """A value for one cell of a CSV file; a list or a record as JSON."""
    if isinstance(value, (list, dict)):
        value = json_line(value)
    if isinstance(value, float) and math.isnan(value):
        return ""
    return escape_formula(value) if isinstance(value, str) else value


def _write_row(written: io.StringIO, cells: Sequence[Any]) -> None:
    # Python quotes a carriage return by itself from 3.13 on; unquoted, it would end the row.
    lone = any("\r" in cell for cell in cells if isinstance(cell, str))
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if lone else csv.QUOTE_MINIMAL)
    writer.writerow(cells)
