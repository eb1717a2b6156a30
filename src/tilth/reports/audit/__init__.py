"""What `tilth audit` hands back: one page that opens anywhere, and one CSV file.

In: the table behind cleaning, its rows' nearest ones, what was read otherwise than it stands. Out: the findings as a
frame (`find`), a summary as plain JSON (`summarize`), and both as files (`write`). A new kind of finding is a function
in `findings.py` and a word of its `KINDS`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.audit.findings import Rows, find, rows_of
    from tilth.reports.audit.page import refuse_others, write
    from tilth.reports.audit.summary import summarize

__getattr__, __dir__ = lazy_exports(__name__)
