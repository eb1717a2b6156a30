"""Classifiers on the encoder's vectors, and on n-grams.

In: vectors, classes and weights. Out: calibrated linear heads, their probabilities, the classes' centroids. Another
kind of head is a module here with the methods of `Head`, and a graph in `training/export/onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.heads.linear import Head, class_centroids, fit_head, predict_probabilities
    from tilth.training.heads.ngram_features import NGramReader
    from tilth.training.heads.wording import NGramFeatures, choose_ngrams

__all__ = [
    "Head",
    "NGramFeatures",
    "NGramReader",
    "choose_ngrams",
    "class_centroids",
    "fit_head",
    "predict_probabilities",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "linear": ("Head", "class_centroids", "fit_head", "predict_probabilities"),
        "ngram_features": ("NGramReader",),
        "wording": ("NGramFeatures", "choose_ngrams"),
    },
)
