"""All nights of a workspace, and how they went.

In: the parent of the run folders. Out: plain facts of every run that there is, whatever state its folder is in
(`past_nights`), the trend in a line for a terminal (`trend_lines`), and `index.html`, which links to the reports.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.history.index import write_index
    from tilth.reports.history.nights import past_nights, trend_lines

__getattr__, __dir__ = lazy_exports(__name__)
