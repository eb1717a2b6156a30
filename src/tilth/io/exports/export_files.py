"""A table as a file: CSV, JSONL, Parquet or a folder for `datasets`, and never over what is there already."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import (
    Dataset,
    DatasetDict,
    Features,
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)
from datasets.table import table_cast

from tilth.io.exports.csv_writer import write_csv


def write(rows: pa.Table, features: Features, kind: str, target: Path | None) -> None:
    """Write rows as one file; without a target, to standard output.

    In Parquet labels are numbers, with their names in the file's metadata, as `datasets` writes and reads them.
    """
    if kind == "parquet":
        pq.write_table(table_cast(rows, features.arrow_schema), target)
        return
    data = as_text(rows.to_pandas(integer_object_nulls=True), kind).encode("utf-8")
    if target is not None:
        target.write_bytes(data)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def as_text(frame: pd.DataFrame, kind: str) -> str:
    """Rows as the content of a file, CSV or JSONL."""
    written = io.StringIO(newline="")
    if kind == "csv":
        write_csv(frame.map(_as_cell), written)
    else:
        frame.to_json(
            written,
            orient="records",
            lines=True,
            force_ascii=False,
            date_format="iso",
            double_precision=15,
            default_handler=str,
        )
    return written.getvalue()


def write_folder(splits: Mapping[str, pa.Table], features: Features, target: Path) -> None:
    """Save the splits for `datasets.load_from_disk`, labels as `ClassLabel` features."""
    named = {name: Dataset(table_cast(rows, features.arrow_schema)) for name, rows in splits.items()}
    with _no_progress_bar():
        DatasetDict(named).save_to_disk(str(target))


def save_folder(frame: pd.DataFrame, target: Path) -> None:
    """Save a frame for `datasets.load_from_disk`, one data set without splits."""
    with _no_progress_bar():
        Dataset.from_pandas(frame, preserve_index=False).save_to_disk(str(target))


def _as_cell(value: object) -> object:
    """A list or a record of a kept column as JSON, for one cell of a CSV file."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else value


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
