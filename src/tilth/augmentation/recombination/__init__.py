"""Candidates that put what other rows say between the same words into a source.

In: the sources with their words, and the corpus. Out: for each source its candidates, with the share of replaced words
and the row whose wording each has. Another way of recombining is a function like `recombine_texts`, called by
`recombine_sources`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.recombination.config import RecombinationConfig
    from tilth.augmentation.recombination.recombine import recombine_texts
    from tilth.augmentation.recombination.template_rows import (
        GeneratedText,
        RecombinationCorpus,
        SimilarityLimits,
        recombine_sources,
    )

__getattr__, __dir__ = lazy_exports(__name__)
