"""Rows in and out.

In: CSV, JSONL and Parquet files, data sets of the Hub, annotators' votes, data frames. Out: the checked table
(`ingest`), exports of a run's table, and files a piece at a time. To read another kind of file, add a function to
`_READERS` of `readers.py`; to write another kind, add its ending to `_KINDS` of `target_files.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.addresses import file_system, is_address, written_at
    from tilth.io.annotation_tools import labeling_config
    from tilth.io.column_guess import ColumnGuess, guess_columns
    from tilth.io.csv_writer import write_csv
    from tilth.io.exporting import export
    from tilth.io.file_pieces import Piece, piece_writer, read_pieces
    from tilth.io.ingestion import Ingested, ingest
    from tilth.io.label_mapping import LabelMapping
    from tilth.io.mirror import fetch_nights, send_nights
    from tilth.io.picture_values import picture_value, read_picture
    from tilth.io.queue_files import queue_kind, read_filled_queue, write_queue
    from tilth.io.readers import read_rows
    from tilth.io.target_files import FOLDER, STANDARD_OUTPUT, file_kind, refuse_to_overwrite
    from tilth.io.text_files import shown

__all__ = [
    "FOLDER",
    "STANDARD_OUTPUT",
    "ColumnGuess",
    "Ingested",
    "LabelMapping",
    "Piece",
    "export",
    "fetch_nights",
    "file_kind",
    "file_system",
    "guess_columns",
    "ingest",
    "is_address",
    "labeling_config",
    "picture_value",
    "piece_writer",
    "queue_kind",
    "read_filled_queue",
    "read_picture",
    "read_pieces",
    "read_rows",
    "refuse_to_overwrite",
    "send_nights",
    "shown",
    "write_csv",
    "write_queue",
    "written_at",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "addresses": ("file_system", "is_address", "written_at"),
        "annotation_tools": ("labeling_config",),
        "column_guess": ("ColumnGuess", "guess_columns"),
        "csv_writer": ("write_csv",),
        "exporting": ("export",),
        "file_pieces": ("Piece", "piece_writer", "read_pieces"),
        "ingestion": ("Ingested", "ingest"),
        "text_files": ("shown",),
        "mirror": ("fetch_nights", "send_nights"),
        "label_mapping": ("LabelMapping",),
        "picture_values": ("picture_value", "read_picture"),
        "queue_files": ("queue_kind", "read_filled_queue", "write_queue"),
        "readers": ("read_rows",),
        "target_files": ("FOLDER", "STANDARD_OUTPUT", "file_kind", "refuse_to_overwrite"),
    },
)
