"""Classifiers on the encoder's vectors.

In: vectors, classes and weights. Out: calibrated linear heads, their probabilities, the classes' centroids. Another
kind of head is a module here with the methods of `Head`, and a graph in `training/export/onnx_graphs.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.heads.linear import Head, class_centroids, fit_head, predict_probabilities

__all__ = ["Head", "class_centroids", "fit_head", "predict_probabilities"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "linear": ("Head", "class_centroids", "fit_head", "predict_probabilities"),
    },
)
