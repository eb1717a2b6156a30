"""Files and queries that hold rows.

In: CSV, JSONL, Parquet and Excel files, data sets of the Hub, answers of a database. Out: data frames (`read_rows`,
`read_query`), or a large file a piece at a time (`read_pieces`). To read another kind of file, add a function to
`_READERS` of `readers.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.tables.databases import DATABASE_INPUT, read_query
    from tilth.io.tables.file_pieces import Piece, piece_writer, read_pieces
    from tilth.io.tables.readers import Loaded, read_rows

__getattr__, __dir__ = lazy_exports(__name__)
