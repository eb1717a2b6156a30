"""Classifiers on the trunk's vectors.

In: vectors and classes. Out: calibrated linear heads.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.heads.linear import Head

__all__ = ["Head"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "linear": ("Head",),
    },
)
