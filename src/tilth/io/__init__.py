"""Rows in and out.

In: CSV, JSONL and Parquet files, data sets of the Hub, annotators' votes, data frames. Out: the checked table
(`ingest`), exports of a run's table, and files a piece at a time. Files are read in `tables/` (from `addresses/`, too),
their columns made out in `columns/` and `labels/`, people's answers applied in `answers/`, and results written in
`exports/`. To read another kind of file, add a function to `_READERS` of `tables/readers.py`; to write another kind,
add its ending to `_KINDS` of `exports/target_files.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.addresses import fetch_nights, file_system, is_address, send_nights, written_at
    from tilth.io.columns import ColumnGuess, guess_columns, picture_value, read_picture
    from tilth.io.exports import (
        FOLDER,
        STANDARD_OUTPUT,
        export,
        file_kind,
        labeling_config,
        queue_kind,
        read_filled_queue,
        refuse_to_overwrite,
        write_csv,
        write_queue,
    )
    from tilth.io.ingestion import Ingested, ingest
    from tilth.io.labels import LabelMapping
    from tilth.io.tables import Piece, piece_writer, read_pieces, read_rows
    from tilth.io.text_files import shown

__getattr__, __dir__ = lazy_exports(__name__)
