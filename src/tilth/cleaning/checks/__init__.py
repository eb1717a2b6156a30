"""Checks of texts.

In: the table's rows. Out: for each check a score in [0, 1] (low = bad) and a verdict; for copies of one text, where
their labels contradict each other; and Datalab's checks of the data set as a whole. A check is one function decorated
with `registry.check`; a new module of checks is named in `registry.MODULES`, and its place among the others in
`registry.ORDER`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.checks.config import ChecksConfig
    from tilth.cleaning.checks.copies import Conflict, copy_metrics, find_conflicts
    from tilth.cleaning.checks.datalab import examine_dataset
    from tilth.cleaning.checks.registry import ordered_checks

__getattr__, __dir__ = lazy_exports(__name__)
