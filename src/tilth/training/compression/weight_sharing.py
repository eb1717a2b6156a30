"""Weights that few values stand for: k-means to four bits by group, each group with a codebook of its own.

Han et al. 2016, Deep Compression. A few slices share a codebook, for a layer's channels differ in their spread: one
codebook for a whole matrix costs points that one for four channels does not.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from tilth.training.export import CODES, ScaledWeights, SharedWeights

_BINS = 255
"""Values that a group's float weights are counted in before they are clustered: steps of 0.4% of the largest."""
_ROUNDS = 30


def share_weights(values: np.ndarray, *, axis: int, group: int) -> SharedWeights:
    """Replace a tensor's weights by sixteen values a group, those of the least squared error.

    Args:
        values: int8 or float32, of two dimensions or more.
        axis: the one along which slices (channels, or a vocabulary's pieces) are cut.
        group: slices that share a codebook.
    """
    slices = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    codes = np.empty(slices.shape, dtype=np.uint8)
    books = np.zeros((-(-len(slices) // group), CODES), dtype=np.int8 if values.dtype == np.int8 else np.float16)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for place in range(len(books)):
            some = slice(place * group, (place + 1) * group)
            book, codes[some] = _cluster(slices[some])
            books[place, : len(book)] = np.rint(book) if values.dtype == np.int8 else book
    return SharedWeights.of(codes, books, group, axis, values.shape)


def scale_weights(values: np.ndarray, *, axis: int) -> ScaledWeights:
    """Round a tensor's weights to eight bits, by one scale a slice along an axis."""
    slices = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    scales = np.maximum(np.abs(slices).max(axis=1), 1e-7) / 127
    rounded = np.rint(slices / scales[:, None]).astype(np.int8)
    return ScaledWeights(values=rounded, scales=scales.astype(np.float16), axis=axis, shape=values.shape)


def _cluster(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A codebook, ascending, and each weight's code in it.

    The weights are counted by value first, so that a group costs a millisecond whatever its size, and the start is by
    their quantiles, so that the same weights give the same codebook.
    """
    if weights.dtype == np.int8:
        points, counts = np.unique(weights, return_counts=True)
        points = points.astype(np.float64)
    else:
        most = max(float(np.abs(weights).max()), 1e-12)
        counts, edges = np.histogram(weights, bins=_BINS, range=(-most, most))
        points, counts = (edges[:-1] + edges[1:])[counts > 0] / 2, counts[counts > 0]
    if len(points) > CODES:
        shares = (np.cumsum(counts) - counts / 2) / counts.sum()
        start = np.unique(np.interp((np.arange(CODES) + 0.5) / CODES, shares, points))
        model = KMeans(len(start), init=start[:, None], n_init=1, max_iter=_ROUNDS)
        points = np.sort(model.fit(points[:, None], sample_weight=counts).cluster_centers_[:, 0])
    borders = (points[1:] + points[:-1]) / 2
    return points, np.searchsorted(borders, weights).astype(np.uint8)
