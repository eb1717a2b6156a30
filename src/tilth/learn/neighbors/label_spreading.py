"""Labels spread from a few rows to the rows near them, over the graph of nearest neighbors (Zhou et al. 2004).

A linear model of one label a class knows one text of each; the graph knows how far the texts around it reach. With
many labels the model knows more than the graph does.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tilth.learn.neighbors.neighbors import Neighbors

NEAREST = 32
_SHARPNESS, _REACH, _STEPS = 4, 0.9, 30
"""An edge weighs its cosine to this power; this share of a row's scores comes from its neighbors; what steps beyond
these would add is under a twentieth of it."""


def graph(neighbors: Neighbors) -> sparse.csr_array:
    """The symmetric graph of rows and their nearest, each edge over the root of its two rows' degrees.

    Args:
        neighbors: of each row, shape (rows, k).

    Returns:
        float32, shape (rows, rows).
    """
    one_way = neighbors.matrix(np.clip(neighbors.similarities, 0, 1).astype(np.float32) ** _SHARPNESS)
    both = one_way.maximum(one_way.T)
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(both.sum(axis=1), np.float32(1e-9))))
    return sparse.csr_array(scale @ both @ scale)


def spread(edges: sparse.csr_array, codes: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of each row's class by the labels around it.

    A class keeps its share of the labels in the whole (class mass normalization, Zhu et al. 2003): otherwise a
    class whose one label lies among many rows would take those of its neighbors.

    Args:
        edges: a graph of rows, shape (rows, rows).
        codes: classes of the labeled rows, -1 for none, shape (rows,).
        classes: how many there are; those without a label get 0.

    Returns:
        float32, shape (rows, classes), each row summing to 1; to 0 where no label reaches it.
    """
    labeled = np.flatnonzero(codes >= 0)
    counts = np.bincount(codes[labeled], minlength=classes)
    seeds = np.zeros((len(codes), classes), dtype=np.float32)
    seeds[labeled, codes[labeled]] = 1 / counts[codes[labeled]]
    scores = seeds
    for _ in range(_STEPS):
        scores = _REACH * (edges @ scores) + (1 - _REACH) * seeds
    scores *= (counts / np.maximum(scores.sum(axis=0), 1e-12)).astype(np.float32)
    mass = scores.sum(axis=1, keepdims=True)
    return np.divide(scores, mass, out=np.zeros_like(scores), where=mass > 0)
