"""Batches by clusters: one sure way not to ask the same thing twice, and where to begin when nothing has a label."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning

from tilth.threads import one_thread

_CANDIDATES = 10
"""Rows of least margin a row of the batch, among which clusters are sought: the paper's choice."""
_MOST_CANDIDATES = 5000
"""Clustering takes time and memory with the square of the candidates."""
_SAMPLE = 20_000
"""Rows that the centers of a cold start are sought among."""


def margin_clusters(vectors: np.ndarray, unsure: np.ndarray, *, count: int) -> np.ndarray:
    """Cluster-margin (Citovsky et al. 2021): the least sure rows, taken in turn from clusters, the smallest first.

    The clusters are Ward's. The paper's average linkage makes a cluster of every outlier, and asks about those first.

    Args:
        vectors: L2-normalized, shape (rows, dimensions).
        unsure: 1 - margin, shape (rows,).
        count: how many rows.

    Returns:
        Places of the picked rows, in order.
    """
    most = min(len(vectors), max(count, min(_CANDIDATES * count, _MOST_CANDIDATES)))
    candidates = np.argsort(-unsure, kind="stable")[:most]
    if most <= count:
        return candidates
    clusters = AgglomerativeClustering(count, linkage="ward").fit_predict(vectors[candidates])
    return candidates[in_turn(clusters)[:count]]


def in_turn(groups: np.ndarray) -> np.ndarray:
    """Places taken in turn from each group, the smallest group first; within a group in the order given.

    >>> in_turn(np.array([0, 0, 1, 0, 1])).tolist()
    [2, 0, 4, 1, 3]
    """
    rank = np.zeros(len(groups), dtype=np.int64)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        rank[members] = np.arange(len(members))
    sizes = np.bincount(groups)[groups]
    return np.lexsort((groups, sizes, rank))


def center_rows(vectors: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """The rows nearest to the centers of k-means, one a center, those of the largest clusters first.

    Args:
        vectors: shape (rows, dimensions).
        count: how many rows.
        seed: of the first centers, and of the rows that the centers are sought among where there are very many.
    """
    count = min(count, len(vectors))
    if not count:
        return np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(seed)
    among = np.arange(len(vectors))
    if len(vectors) > _SAMPLE:
        among = np.sort(rng.choice(len(vectors), max(_SAMPLE, count), replace=False))
    with one_thread(), warnings.catch_warnings():
        # Fewer different rows than centers: some centers then coincide, and their rows are taken from beside them.
        warnings.filterwarnings("ignore", "Number of distinct clusters", ConvergenceWarning)
        means = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(vectors[among])
    centers = means.cluster_centers_
    away = (vectors[among] ** 2).sum(axis=1)[:, None] - 2 * vectors[among] @ centers.T  # but for the centers' length
    taken = np.zeros(len(among), dtype=bool)
    rows = []
    for cluster in np.argsort(-np.bincount(means.labels_, minlength=count), kind="stable"):
        row = int(np.where(taken, np.inf, away[:, cluster]).argmin())  # two centers may share their nearest row
        taken[row] = True
        rows.append(int(among[row]))
    return np.array(rows, dtype=np.int64)
