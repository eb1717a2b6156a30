"""Classifiers on the encoder's vectors, and on n-grams.

In: vectors, classes and weights. Out: calibrated linear heads, their probabilities, the classes' prototypes. Another
kind of head on the encoder's token states is a function under `@register_head` in `registry`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.heads.linear import IMPOSSIBLE, Head, fit_head, predict_probabilities
    from tilth.training.heads.ngram_features import NGramReader
    from tilth.training.heads.prototypes import class_prototypes
    from tilth.training.heads.registry import HEADS, check_head, fresh_parameters, register_head, require_head
    from tilth.training.heads.stiff import fit_stiff_head, log_shares
    from tilth.training.heads.wording import NGramFeatures, choose_ngrams

__getattr__, __dir__ = lazy_exports(__name__)
