"""Tables on disk, as Parquet; apart from `files`, so that what reads no table loads neither Arrow nor pandas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from tilth.samples import as_dataset
from tilth.store.files import atomic, damaged, digest


def write_table(path: Path, samples: Dataset) -> None:
    """Write a table as Parquet, with a checksum a page; equal tables give equal bytes."""
    with atomic(path) as temporary:
        whole = samples.data.table.replace_schema_metadata(None)
        pq.write_table(whole, temporary, compression="zstd", write_page_checksum=True)


def read_table(path: Path) -> Dataset:
    """Read a table into memory.

    Raises:
        DamagedFileError: it is no Parquet file, or not the one that was written.
    """
    try:
        return as_dataset(pq.read_table(path, page_checksum_verification=True))
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:  # OSError: a page's checksum is another
        raise damaged(path, "a Parquet table", error) from error


def read_column(path: Path, name: str) -> Iterator[list[Any]]:
    """The values of one column of a table, but for nulls, some at a time; none where the table has no such column.

    A long table is never in memory as a whole.

    Raises:
        DamagedFileError: it is no Parquet file.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[name]) if name in file.schema_arrow.names else ():
                yield batch.column(0).drop_null().to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise damaged(path, "a Parquet table", error) from error


def digest_table(samples: Dataset) -> str:
    """Digest of a table's column names, types and values, whatever its chunks on disk."""
    table = samples.data.table.combine_chunks()
    parts: list[str | bytes] = []
    for name in table.column_names:
        column = table.column(name)
        frame = column.to_pandas()
        parts += [name, str(column.type), column.is_null().to_numpy().tobytes()]
        if pa.types.is_nested(column.type):  # numpy would shorten what is long, and round
            parts.append("\x1f".join(map(repr, column.to_pylist())))
        elif frame.dtype.kind in "fiub":
            parts.append(frame.to_numpy().tobytes())
        else:
            parts.append("\x1f".join(map(str, column.to_pylist())))  # pandas takes ten times as long for Arrow's texts
    return digest(*parts)
