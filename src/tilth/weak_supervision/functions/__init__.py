"""Labeling functions as people write them.

In: the files of `labeling_functions/` and installed packages. Out: loaded functions with fingerprints, their unit
examples, their history, and phrases from which to write new ones.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.functions.accuracy_bounds import below
    from tilth.weak_supervision.functions.history import Measured
    from tilth.weak_supervision.functions.loader import LoadedFunction, LoadedFunctions
    from tilth.weak_supervision.functions.unit_examples import examples_of

__all__ = ["LoadedFunction", "LoadedFunctions", "Measured", "below", "examples_of"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "accuracy_bounds": ("below",),
        "history": ("Measured",),
        "loader": ("LoadedFunction", "LoadedFunctions"),
        "unit_examples": ("examples_of",),
    },
)
