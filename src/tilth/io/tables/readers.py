"""Rows as they are, of a CSV, JSONL or Parquet file, standard input or a Hub data set, and what is wrong with them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, load_dataset, load_from_disk

from tilth.errors import InputError
from tilth.io import addresses, text_files
from tilth.io.tables import csv_reader, workbooks
from tilth.io.tables.class_names import class_names, names_in_place
from tilth.io.text_files import HUB
from tilth.notes import Notes

Loaded: TypeAlias = Mapping[str, pd.DataFrame | Dataset]


def read_rows(
    name: str, root: Path, notes: Notes | None = None, wanted: Iterable[str] = (), loaded: Loaded | None = None
) -> tuple[pd.DataFrame, str]:
    """The rows of one CSV, JSONL, Parquet or Excel file, packed by gzip or not, or Hub data set, and its SHA-256.

    Args:
        name: of a file, its address, "-" for standard input, or hf:owner/name:split.
        root: the folder that a relative name starts from.
        notes: where lines that could not be read are noted, and what else was read otherwise than it stands.
        wanted: columns that the rows should have.
        loaded: rows that are in memory already, by their name.

    Raises:
        InputError: the file is missing, of another kind, neither UTF-8 nor UTF-16, or not what its name says.
    """
    notes = Notes() if notes is None else notes
    if name.startswith(HUB):
        return _read_hub(name, notes)
    if loaded and name in loaded:
        rows = loaded[name]
        return _of_dataset(rows, name, notes) if isinstance(rows, Dataset) else _of_frame(rows, name)
    if (root / name / text_files.SAVED).is_file():
        return _of_dataset(load_from_disk(str(root / name)), name, notes)
    packed, path = addresses.fetch(name) if addresses.is_address(name) else text_files.content(name, root)
    if path.suffix.lower() == workbooks.ENDING:
        return workbooks.read(packed, path, notes), hashlib.sha256(packed).hexdigest()
    data = text_files.from_utf16(text_files.unpacked(packed, path), path, notes)
    table = frame(data, path, text_files.kind(data, path), notes, wanted)
    return table, hashlib.sha256(packed).hexdigest()


def frame(data: bytes, path: Path, kind: str, notes: Notes, wanted: Iterable[str] = ()) -> pd.DataFrame:
    """The rows that the content of a file holds, `kind` being one of `KINDS`."""
    frame = _READERS[kind](data, path, notes, wanted)
    frame.columns = text_files.column_names(map(str, frame.columns), path, notes)
    return frame.loc[:, [bool(column) for column in frame.columns]]


def _read_csv(data: bytes, path: Path, notes: Notes, wanted: Iterable[str]) -> pd.DataFrame:
    frame, broken = csv_reader.parse(text_files.utf8(data, path), path, wanted)
    notes.lines(path.name, broken, text_files.unreadable_reason(broken, frame.shape[1]))
    return frame


def _read_jsonl(data: bytes, path: Path, notes: Notes, _wanted: Iterable[str]) -> pd.DataFrame:
    rows = text_files.read_objects(data, path, notes)
    return pd.DataFrame(rows, dtype=object)  # else a whole number beside a missing one would become 1.0


def _read_parquet(data: bytes, path: Path, notes: Notes, _wanted: Iterable[str]) -> pd.DataFrame:
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None
    # What pandas made the index of, an id for one, is a column like any other; its numbering of the rows is none.
    frame = table.to_pandas(integer_object_nulls=True, ignore_metadata=True)
    frame = frame.drop(columns=[column for column in frame if re.fullmatch(r"__index_level_\d+__", str(column))])
    return with_class_names(_as_texts(frame), class_names(table.schema), path.name, notes)


def _as_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, with text in place of bytes that are UTF-8, as which Spark and Impala may write a text."""
    for column in frame:
        if isinstance(frame[column].dropna().head(1).squeeze(), bytes):
            with contextlib.suppress(UnicodeDecodeError):
                frame[column] = frame[column].map(bytes.decode, na_action="ignore")
    return frame


def _read_hub(name: str, notes: Notes) -> tuple[pd.DataFrame, str]:
    repository, _, split = name.removeprefix(HUB).partition(":")
    if not repository:
        raise InputError(f'input "{name}" names no data set; expected hf:owner/name, or hf:owner/name:split')
    try:
        dataset = load_dataset(repository, split=split or "train")
    except Exception as error:  # the Hub's client raises a dozen kinds; each means that the rows are not to be had
        raise InputError(f"{name}: not to be had from the Hub ({type(error).__name__}: {error})") from error
    return _of_dataset(dataset, name, notes)


def _of_dataset(dataset: Dataset, name: str, notes: Notes) -> tuple[pd.DataFrame, str]:
    """The rows of a data set, with names in place of the numbers of classes, and its fingerprint."""
    classes = {column: kind.names for column, kind in dataset.features.items() if isinstance(kind, ClassLabel)}
    frame = dataset.with_format("arrow")[:].to_pandas(integer_object_nulls=True)
    return with_class_names(frame, classes, name, notes), str(dataset._fingerprint)


def _of_frame(rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, str]:
    """The rows of a frame as those of a file would be, an index with a name being a column, and their SHA-256.

    Raises:
        InputError: several columns have one name.
    """
    frame = rows.reset_index(drop=all(level is None or level in rows for level in rows.index.names))
    names = text_files.column_names(map(str, frame.columns), name)
    frame.columns = pd.Index(names)
    for column in frame.select_dtypes("category"):
        frame[column] = frame[column].astype(object)
    return frame, hashlib.sha256(frame.to_csv(index=False).encode("utf-8", "surrogatepass")).hexdigest()


def with_class_names(
    frame: pd.DataFrame, classes: Mapping[str, Sequence[str]], file: str, notes: Notes
) -> pd.DataFrame:
    """The rows, with names in place of the numbers of classes; a number without a name, -1 for one, is no label."""
    for column, names in classes.items():
        numbers = frame[column].tolist()
        if not any(isinstance(number, str) for number in numbers):
            named = names_in_place(numbers, names, column, file, notes)
            frame[column] = pd.Series(named, index=frame.index, dtype=object)
    return frame


_READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}
