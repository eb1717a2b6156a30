"""Rows in and out.

In: CSV, JSONL and Parquet files, data sets of the Hub, annotators' votes, data frames. Out: the checked table
(`ingest`), and exports of a run's table. To read another kind of file, add a function to `_READERS` of `readers.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.exporting import export
    from tilth.io.ingestion import Ingested, ingest
    from tilth.io.input_files import shown

__all__ = ["Ingested", "export", "ingest", "shown"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "exporting": ("export",),
        "ingestion": ("Ingested", "ingest"),
        "input_files": ("shown",),
    },
)
