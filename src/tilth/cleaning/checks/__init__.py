"""Checks of texts.

In: the table's rows. Out: for each check a score in [0, 1] (low = bad) and a verdict. A check is one decorated
function, see `registry.check`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cleaning.checks.config import ChecksConfig
    from tilth.cleaning.checks.copies import Conflict
    from tilth.cleaning.checks.datalab import examine
    from tilth.cleaning.checks.registry import ordered

__all__ = ["ChecksConfig", "Conflict", "examine", "ordered"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "config": ("ChecksConfig",),
        "copies": ("Conflict",),
        "datalab": ("examine",),
        "registry": ("ordered",),
    },
)
