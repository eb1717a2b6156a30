"""The page of a night, and the same for a program.

In: a run's folder. Out: `report.html`, which stands alone; `report/`, the rows that it has no room for; `report.json`.
A new section takes its numbers in `contents.py` and its place in `templates/page.html.j2`; a new verdict on a row is an
entry of `VERDICTS` in `rows/verdicts.py`. The rooms: `files/` (what is read), `rows/` and `scores/` (what is shown).
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.page.contents import fit_map, write

__getattr__, __dir__ = lazy_exports(__name__)
