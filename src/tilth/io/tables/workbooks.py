"""The rows of an Excel workbook's first sheet; the reader is an extra, for most inputs are text files."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pandas as pd

from tilth.errors import InputError
from tilth.io import text_files
from tilth.notes import Notes

ENDING = ".xlsx"


def read(data: bytes, path: Path, notes: Notes) -> pd.DataFrame:
    """The rows of the first sheet that is not empty, its first row being the names of the columns.

    Raises:
        InputError: the extra is not installed, the file is no workbook, or all its sheets are empty.
    """
    if importlib.util.find_spec("openpyxl") is None:
        raise InputError(f'{path}: an Excel workbook needs one more package: pip install "tilth[excel]"')
    try:
        sheets = pd.read_excel(  # an empty cell alone is none: "NA" and "None" are words, as in any other file
            io.BytesIO(data), sheet_name=None, dtype=object, engine="openpyxl", keep_default_na=False, na_values=[""]
        )
    except Exception as error:  # zipfile's, xml's and openpyxl's own
        raise InputError(f"{path}: no Excel workbook that can be read ({type(error).__name__}: {error})") from error
    filled = {name: frame for name, frame in sheets.items() if len(frame)}
    if not filled:
        raise InputError(f"{path}: no sheet has a header and a row below it")
    name, frame = next(iter(filled.items()))
    if len(filled) > 1:
        others = ", ".join(f'"{other}"' for other in list(filled)[1:])
        message = f'of {path.name} the sheet "{name}" is read, and {others} not; save the others as files of their own'
        notes.add("sheets_left_out", len(filled) - 1, message, path.name)
    frame.columns = pd.Index(text_files.column_names(map(str, frame.columns), path, notes))
    return frame.loc[:, [bool(column) and not column.startswith("Unnamed: ") for column in frame.columns]]
