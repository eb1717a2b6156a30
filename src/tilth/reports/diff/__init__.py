"""What is different between two nights, and what of that is out of the ordinary.

In: the folders of two runs. Out: plain JSON (`compare_nights`), as lines for a terminal or as a page;
`since_last_night` takes the night before by itself and adds the alarms. A part that is compared is a module with one
function of two `Side`s, and a field in `comparison.py`; how it is shown stands in `console.py` and `diff.html.j2`.

Nothing is named that chance explains: shares are compared by exact tests, corrected for how many there are (Holm 1979),
scores by the paired bootstrap over the same rows.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.diff.comparison import compare_nights, night_alarms, since_last_night
    from tilth.reports.diff.console import diff_lines
    from tilth.reports.diff.html import diff_page
    from tilth.reports.diff.nights import night_before
    from tilth.reports.diff.rows import BY_PEOPLE
    from tilth.reports.diff.significance import ALPHA, LEAST, holm, shares_differ
    from tilth.reports.diff.thresholds import night_measures

__getattr__, __dir__ = lazy_exports(__name__)
