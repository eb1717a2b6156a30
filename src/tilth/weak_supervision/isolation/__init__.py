"""Other people's code in processes of its own, within limits.

In: work for a process. Out: its outcome, whatever it did: results, an error, or the limit that it ran into.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.isolation.limits import Done, Limits

__all__ = ["Done", "Limits"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "limits": ("Done", "Limits"),
    },
)
