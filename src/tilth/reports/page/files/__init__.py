"""A run's folder, as the page reads it, and the files of rows that it writes beside itself.

In: a run's folder. Out: its record, tables and figures (`RunFiles`), each read once, and small files of rows for the
browser. Whatever else the page needs of a run's folder is one more field there.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.page.files.row_files import PAGE_BYTES, divide, script_json, write_further
    from tilth.reports.page.files.run_files import RECORD, RunFiles, read_run

__getattr__, __dir__ = lazy_exports(__name__)
