"""Classifiers on the encoder's vectors, and on n-grams.

In: vectors, classes and weights. Out: calibrated linear heads, their probabilities, the classes' prototypes. Another
kind of head is a module here with the methods of `Head`, and a graph in `training/export/onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.heads.linear import Head, fit_head, predict_probabilities
    from tilth.training.heads.ngram_features import NGramReader
    from tilth.training.heads.prototypes import class_prototypes
    from tilth.training.heads.wording import NGramFeatures, choose_ngrams

__all__ = [
    "Head",
    "NGramFeatures",
    "NGramReader",
    "choose_ngrams",
    "class_prototypes",
    "fit_head",
    "predict_probabilities",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "linear": ("Head", "fit_head", "predict_probabilities"),
        "ngram_features": ("NGramReader",),
        "prototypes": ("class_prototypes",),
        "wording": ("NGramFeatures", "choose_ngrams"),
    },
)
