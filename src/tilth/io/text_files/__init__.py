"""Files of text, and what kind a file is, in plain Python: what `tilth predict` reads takes no Arrow and no pandas.

In: a file's name, or its bytes. Out: its kind, the lines that can be read and those that cannot, its rows a piece at a
time (`opened`, `text_pieces`), and rows written (`TextWriter`). Frames of them are made one room above, in `readers`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.text_files.columns import column_names
    from tilth.io.text_files.csv_lines import INNER, CsvText, is_ours, swallows, unreadable_reason
    from tilth.io.text_files.input_files import (
        HUB,
        SAVED,
        STANDARD_INPUT,
        content,
        from_utf16,
        kind,
        shown,
        unpacked,
        utf8,
    )
    from tilth.io.text_files.json_lines import read_objects
    from tilth.io.text_files.pieces import Source, TextPiece, opened, text_pieces
    from tilth.io.text_files.writer import TextWriter

__getattr__, __dir__ = lazy_exports(__name__)
