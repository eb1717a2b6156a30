"""Candidates that put what other rows say between the same words into a source.

In: sources and the corpus. Out: recombined candidates with their share of new words.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.recombination.config import RecombinationConfig
    from tilth.augmentation.recombination.recombine import recombined
    from tilth.augmentation.recombination.template_rows import Made, Nearness, Rows, recombinations

__all__ = ["Made", "Nearness", "RecombinationConfig", "Rows", "recombinations", "recombined"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "config": ("RecombinationConfig",),
        "recombine": ("recombined",),
        "template_rows": ("Made", "Nearness", "Rows", "recombinations"),
    },
)
