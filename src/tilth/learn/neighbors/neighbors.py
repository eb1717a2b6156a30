"""The nearest rows of each row: exact up to `EXACT` rows, by an index above; one search serves all parts of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from tilth.learn.neighbors.neighbor_index import CellIndex, fit_centers

EXACT = 50_000
"""Rows of a table whose neighbors are all sought by brute force. Above, a search that costs more than that goes by an
index of cells; one of few query rows stays exact."""
_BLOCK = 1024
_CELLS = 2**26
"""Cosines that stand in memory at a time at most, 256 MiB: of a million rows, those of 67 queries."""
_PART = 65_536
"""Rows whose neighbors in a part are picked at a time."""


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """The nearest rows of each row, nearest first, itself left out.

    Attributes:
        rows: int32, shape (rows, k).
        similarities: cosine, float32, shape (rows, k).
    """

    rows: np.ndarray
    similarities: np.ndarray

    def matrix(self, weights: np.ndarray) -> csr_array:
        """A weight of each row's nearest, sparse, shape (rows, rows), nearest first in each row.

        Args:
            weights: shape (rows, k), of rows whose nearest were sought among themselves.
        """
        count, k = self.rows.shape
        starts = np.arange(count + 1) * k
        return csr_array((weights.ravel(), self.rows.ravel(), starts), shape=(count, count))


def nearest(
    vectors: np.ndarray,
    k: int,
    queries: np.ndarray | None = None,
    block: int = _BLOCK,
    centers: np.ndarray | None = None,
) -> Neighbors:
    """The k nearest rows of each query row but itself (fewer where there are fewer).

    Of rows that are equally near, the first ones: else it would depend on the rest of the table which of many copies
    of one text are taken, and so on gold texts, too.

    Args:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        k: how many.
        queries: positions of the rows whose neighbors are sought; None takes every row.
        block: query rows whose cosines to all rows stand in memory at a time.
        centers: of the index's cells (`neighbor_index.fit_centers`), where it is needed; None fits them.
    """
    queries = np.arange(len(vectors)) if queries is None else queries
    k = max(0, min(k, len(vectors) - 1))
    if is_exact(len(queries), len(vectors)) or not k:
        return _by_brute_force(vectors, k, queries, block)
    rows, similarities = CellIndex(vectors, fit_centers(vectors) if centers is None else centers).search(k, queries)
    return filled(Neighbors(rows=rows, similarities=similarities), vectors, queries, block)


def filled(found: Neighbors, vectors: np.ndarray, queries: np.ndarray, block: int = _BLOCK) -> Neighbors:
    """What an index found; of a row whose cells held fewer than k others (-1), what brute force finds.

    Args:
        found: of the query rows; written to.
        vectors: of all rows, L2-normalized, float32, shape (rows, dimensions).
        queries: positions of the query rows.
        block: as in `nearest`.
    """
    short = np.flatnonzero(found.rows[:, -1] < 0)
    exact = _by_brute_force(vectors, found.rows.shape[1], queries[short], block)
    found.rows[short], found.similarities[short] = exact.rows, exact.similarities
    return found


def is_exact(queries: int, rows: int) -> bool:
    """Whether so many rows' neighbors among so many are sought by brute force."""
    return queries * rows <= EXACT**2


def _by_brute_force(vectors: np.ndarray, k: int, queries: np.ndarray, block: int) -> Neighbors:
    import torch

    rows, similarities = np.zeros((len(queries), k), dtype=np.int32), np.zeros((len(queries), k), dtype=np.float32)
    block = max(1, min(block, _CELLS // max(1, len(vectors))))
    cosines = np.empty((min(block, len(queries)), len(vectors)), dtype=np.float32)  # once: new memory is slow memory
    for start in range(0, len(queries) if k else 0, block):
        batch = queries[start : start + block]
        # numpy's product with torch's choice: the quicker library for each on an AMD processor, by a third and by ten.
        cosine = np.matmul(vectors[batch], vectors.T, out=cosines[: len(batch)])
        cosine[np.arange(len(batch)), batch] = -np.inf
        best = torch.topk(torch.from_numpy(cosine), k + 1, dim=1)
        ordered = _in_order(cosine, best.indices.numpy(), best.values.numpy())
        rows[start : start + block], similarities[start : start + block] = ordered
    return Neighbors(rows=rows, similarities=similarities)


def _in_order(cosine: np.ndarray, rows: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best but the last of each line's best k + 1, the first rows first where they are equal; both (lines, k)."""
    k = rows.shape[1] - 1
    order = np.lexsort((rows, -values), axis=-1)[:, :k]
    rows = np.take_along_axis(rows, order, axis=1).astype(np.int32)
    for line in np.flatnonzero(values[:, k] == values[:, k - 1]):  # more are equal to the last one than have a place
        least = values[line, k - 1]
        above = int((cosine[line] > least).sum())
        rows[line, above:] = np.flatnonzero(cosine[line] == least)[: k - above]
    return rows, values[:, :k]


def within(neighbors: Neighbors, vectors: np.ndarray, part: np.ndarray, k: int) -> Neighbors:
    """The k nearest rows among a part of the rows, of each row of that part.

    The neighbors among all rows hold those of most rows; rows too few of whose neighbors belong to the part are
    searched for anew, in the part alone.

    Args:
        neighbors: of all rows among all rows.
        vectors: of all rows, L2-normalized, float32, shape (rows, dimensions).
        part: ascending positions of rows.
        k: how many (cut to what the part has).

    Returns:
        Neighbors of the part's rows, as positions within `part`.
    """
    k = max(0, min(k, len(part) - 1))
    rows, similarities = np.zeros((len(part), k), dtype=np.int32), np.zeros((len(part), k), dtype=np.float32)
    place = np.full(len(vectors), -1, dtype=np.int32)
    place[part] = np.arange(len(part))
    lacking = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(part), _PART):
        here = part[start : start + _PART]
        near = place[neighbors.rows[here]]
        count = np.cumsum(near >= 0, axis=1, dtype=np.int32)
        short = (near >= 0).sum(axis=1) < k
        taken = (near >= 0) & (count <= k) & ~short[:, None]
        whole = start + np.flatnonzero(~short)
        rows[whole] = near[taken].reshape(len(whole), k)
        similarities[whole] = neighbors.similarities[here][taken].reshape(len(whole), k)
        lacking.append(start + np.flatnonzero(short))
    if len(short := np.concatenate(lacking)):
        again = nearest(vectors[part], k, short)
        rows[short], similarities[short] = again.rows, again.similarities
    return Neighbors(rows=rows, similarities=similarities)
