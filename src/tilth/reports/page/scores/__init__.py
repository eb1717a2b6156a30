"""The page's figures: how good the night is, and what made it so.

In: a run's files. Out: scores with their intervals, the sentences on top of the page, what each stage bought, and what
is different since the last night. A further figure is a module here, which `contents.py` calls.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.page.scores.changes import since
    from tilth.reports.page.scores.night_verdict import ROWS, row_counts, verdict
    from tilth.reports.page.scores.scores import Answers, compare, expected, measure
    from tilth.reports.page.scores.stage_ledger import ledger

__getattr__, __dir__ = lazy_exports(__name__)
