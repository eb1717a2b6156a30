"""Why one row is what it is: where it came from, what every stage said of it, and what would change that.

In: a run's folder and ids of rows. Out: a story a row, as plain JSON (`stories`; of one row `story`), or as lines for a
terminal (`story_lines`). `find_row` reads a row as a person names it. The tables are read once for all rows, and the
nearest rows come from the vectors that the night kept, so that thousands of stories take seconds. A new part of a story
is a field in `row_stories.py`, and its line in `console.py`; what would change a verdict stands in `changes.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.explain.console import story_lines
    from tilth.reports.explain.lookup import find_row
    from tilth.reports.explain.row_stories import NightStories, stories, story

__getattr__, __dir__ = lazy_exports(__name__)
