"""What the page shows of single rows.

In: a run's files. Out: what was decided of each row and by whom, rows that the night touched, what a person should do,
their stories and pictures, and the map of all texts. A further list of rows is a module here; `contents.py` calls it.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.page.rows.map_of_texts import text_map
    from tilth.reports.page.rows.row_stories import add_stories
    from tilth.reports.page.rows.row_thumbnails import add_thumbnails
    from tilth.reports.page.rows.todo import seldom_right, to_do
    from tilth.reports.page.rows.touched import TouchedRows, row_facts, touched_rows, vocabulary
    from tilth.reports.page.rows.verdicts import SUSPECTS, VERDICTS, reason_in_words

__getattr__, __dir__ = lazy_exports(__name__)
