"""What the columns of an input hold.

In: a table as it was read. Out: which column is the text, which the labels (`guess_columns`), and the pictures that a
column names. A further kind of column is recognized in `column_values.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.columns.column_guess import ColumnGuess, guess_columns
    from tilth.io.columns.picture_column import PICTURE_COLUMNS, PicturePlace, are_paths, pictures_record, read_pictures
    from tilth.io.columns.picture_values import picture_value, read_picture

__getattr__, __dir__ = lazy_exports(__name__)
