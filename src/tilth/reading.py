"""Rows of a file as they are: CSV, JSONL, Parquet or a Hub data set, and what is wrong with them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, load_dataset

from tilth import csv_rows
from tilth.errors import InputError, did_you_mean
from tilth.store import sha256_file

HUB = "hf:"


def read_rows(name: str, root: Path, notes: dict[str, int] | None = None) -> tuple[pd.DataFrame, str]:
    """The rows of one CSV, JSONL or Parquet file or Hub data set, as they are, and the file's SHA-256.

    Raises:
        InputError: the file is missing, of another kind, not UTF-8, or not what its name says.
    """
    notes = {} if notes is None else notes
    if name.startswith(HUB):
        return _read_hub(name)
    path = root / name
    if not name.strip() or path.is_dir():
        raise InputError(
            f'input "{name}" is {"a folder" if name.strip() else "empty"}; name a file, for example rows.csv'
        )
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}; {did_you_mean(path.name, near)}")
    if path.suffix.lower() not in _READERS:
        raise InputError(f'{path}: "{path.suffix}" is no kind that tilth reads; {did_you_mean(path.suffix, _READERS)}')
    frame = _READERS[path.suffix.lower()](path, notes)
    frame.columns = [str(column).strip() for column in frame.columns]
    if twice := sorted({name for name in frame.columns[frame.columns.duplicated()] if name}):
        raise InputError(f"{path}: several columns are called {twice}; rename or drop all but one of each")
    return frame.drop(columns=[column for column in frame.columns if not column]), sha256_file(path)


def _utf8(path: Path) -> bytes:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a header and rows")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: not UTF-8 at line {line} (byte 0x{data[error.start]:02x}); "
            f"convert it first, for example: iconv -f {_encoding(data)} -t utf-8 {path.name} > utf8-{path.name}"
        ) from None
    return data


def _encoding(data: bytes) -> str:
    """What a file that is not UTF-8 most likely is."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    # Of 0x80 to 0x9f, Windows makes quotes, dashes and the euro sign, Latin-1 signs that no text holds.
    return "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin1"


def _read_csv(path: Path, notes: dict[str, int]) -> pd.DataFrame:
    frame, broken = csv_rows.parse(_utf8(path), path)
    count(notes, "unreadable_lines", broken)
    return frame


def _read_jsonl(path: Path, notes: dict[str, int]) -> pd.DataFrame:
    rows, broken = [], 0
    for line in _utf8(path).decode("utf-8").split("\n"):  # other ends of lines may stand inside a string
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            rows.append(_whole(row) if "\\ud" in line.lower() else row)
        else:
            broken += 1
    if not rows:
        raise InputError(f"{path}: no line holds a JSON object; expected one object a line")
    count(notes, "unreadable_lines", broken)
    return pd.DataFrame(rows, dtype=object)  # else a whole number beside a missing one would become 1.0


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """A row in which half a character, as a cut emoji leaves it, is the sign for one that cannot be shown."""
    text = json.dumps(row, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    found: dict[str, Any] = json.loads(text)
    return found


def _read_parquet(path: Path, _notes: dict[str, int]) -> pd.DataFrame:
    try:
        return pq.read_table(path).to_pandas(integer_object_nulls=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None


def _read_hub(name: str) -> tuple[pd.DataFrame, str]:
    repository, _, split = name.removeprefix(HUB).partition(":")
    if not repository:
        raise InputError(f'input "{name}" names no data set; expected hf:owner/name, or hf:owner/name:split')
    try:
        found = load_dataset(repository, split=split or "train")
    except Exception as error:  # the Hub's client raises a dozen kinds; each means that the rows are not to be had
        raise InputError(f"{name}: not to be had from the Hub ({type(error).__name__}: {error})") from error
    return _named(found), str(found._fingerprint)


def _named(found: Dataset) -> pd.DataFrame:
    """The rows, with names in place of the numbers of classes; the Hub's sign for no class is no label."""
    frame: pd.DataFrame = found.with_format("arrow")[:].to_pandas(integer_object_nulls=True)
    for column, feature in found.features.items():
        if isinstance(feature, ClassLabel):
            names = dict(enumerate(feature.names))
            frame[column] = frame[column].map(names).astype(object).where(lambda value: value.notna(), None)
    return frame


_READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}


def count(notes: dict[str, int], name: str, number: int) -> None:
    """Add to a note, where there is something to add."""
    if number:
        notes[name] = notes.get(name, 0) + number
