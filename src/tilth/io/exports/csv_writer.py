"""The one way in which tilth writes a CSV file: no cell of it is run by a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO

import pandas as pd

from tilth.text import escape_formula


def write_csv(frame: pd.DataFrame, target: Path | IO[str]) -> None:
    """Write a frame as CSV, its formulas made harmless; reading a file of tilth gives them back as they were.

    Numbers are no formulas: a column of them is written as it is.
    """
    safe = frame.rename(columns=escape_formula)
    lone = False  # Python quotes a carriage return by itself from 3.13 on; unquoted, it would end the row
    for place, name in enumerate(safe.columns):
        column = safe.iloc[:, place]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            cells = [escape_formula(value) if isinstance(value, str) else value for value in column]
            lone = lone or any("\r" in cell for cell in cells if isinstance(cell, str))
            safe[name] = pd.Series(cells, index=safe.index, dtype=object)
    safe.to_csv(target, index=False, quoting=csv.QUOTE_NONNUMERIC if lone else csv.QUOTE_MINIMAL)
