"""How live texts differ from those that a model was trained on.

In: the model's answers to live texts, and the table of the night that trained it. Out: what drifted, as plain JSON
(`measure_drift`), as lines (`drift_lines`), and the rows that a person should look at, in the columns of
`queue.csv` (`drift_sheet`). What is measured more is a function and a field in `measures.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.drift.console import drift_lines
    from tilth.reports.drift.measures import LiveTexts, Reference, measure_drift, reference_of
    from tilth.reports.drift.sheet import drift_sheet

__getattr__, __dir__ = lazy_exports(__name__)
