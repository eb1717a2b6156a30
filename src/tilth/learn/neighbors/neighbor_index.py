"""The nearest rows of each row by an index of cells, where brute force would cost more than all else of a night.

The vectors are parted into cells by k-means, and a row is compared with those of the cells whose centers are nearest to
it alone (an inverted file, Jegou et al. 2011; Johnson et al. 2021 for faiss). Graphs of neighbors (HNSW, nearest
neighbor descent) take as long at the same recall (`benchmarks/neighbors.py`), but each row that comes moves them. Here
nothing is kept but the centers, which are learned from a part of the rows: no row moves another's cell, and gold rows
make none.
"""

from __future__ import annotations

import numpy as np

from tilth.threads import one_thread

ROWS_A_CELL = 256
_CELLS_SEARCHED = 16
"""Of 60,000 rows these hold 997 in 1,000 of the true 10 nearest; see `benchmarks/results/neighbors.md`."""
_ROUNDS, _SAMPLE = 8, 40
"""Of k-means, and rows that it sees a cell: faiss warns below 39."""
_BLOCK = 16_384
"""Query rows whose results stand in memory at a time."""


def fit_centers(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """The centers of cells of about `ROWS_A_CELL` rows, float32, shape (cells, dimensions).

    Args:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        seed: of the rows that k-means sees and starts from.
    """
    import faiss

    cells = max(1, len(vectors) // ROWS_A_CELL)
    chosen = np.random.default_rng(seed).permutation(len(vectors))[: cells * _SAMPLE]
    kmeans = faiss.Kmeans(vectors.shape[1], cells, niter=_ROUNDS, seed=seed, spherical=True, min_points_per_centroid=1)
    with one_thread():  # sums come in one order
        kmeans.train(vectors[np.sort(chosen)])
    return np.asarray(kmeans.centroids, dtype=np.float32)


class CellIndex:
    """The rows of a table by the cells that they lie in.

    Args:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        centers: as `fit_centers` gives them, of these vectors or of others of their kind.
    """

    def __init__(self, vectors: np.ndarray, centers: np.ndarray) -> None:
        import faiss

        width = vectors.shape[1]
        self._vectors = vectors
        self._centers = faiss.IndexFlatIP(width)
        self._centers.add(np.ascontiguousarray(centers))
        self._index = faiss.IndexIVFFlat(self._centers, width, len(centers), faiss.METRIC_INNER_PRODUCT)
        self._index.nprobe = _CELLS_SEARCHED
        for start in range(0, len(vectors), _BLOCK):
            self._index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))

    def search(self, k: int, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest rows of each query row but itself, as far as the cells nearest to it hold them.

        Args:
            k: how many.
            queries: positions of the rows whose neighbors are sought.

        Returns:
            Positions, int32, and cosines, float32, both of shape (queries, k), the nearest first and of equals the
            first; −1 and minus infinity where the cells held fewer rows.
        """
        count = len(self._vectors)
        rows, cosines = np.empty((len(queries), k), dtype=np.int32), np.empty((len(queries), k), dtype=np.float32)
        for start in range(0, len(queries), _BLOCK):
            batch = queries[start : start + _BLOCK]
            found_cosines, found = self._index.search(np.ascontiguousarray(self._vectors[batch]), k + 1)
            cosine = np.where(found >= 0, found_cosines, -np.inf)
            cosine[found == batch[:, None]] = -np.inf
            own = np.where((found == batch[:, None]) | (found < 0), count, found)
            order = np.lexsort((own, -cosine), axis=-1)[:, :k]
            place = np.take_along_axis(own, order, axis=1)
            rows[start : start + _BLOCK] = np.where(place == count, -1, place)
            cosines[start : start + _BLOCK] = np.take_along_axis(cosine, order, axis=1)
        return rows, cosines

    def own_cells(self, rows: np.ndarray) -> np.ndarray:
        """The cell that each row lies in, shape (rows,)."""
        return np.asarray(self._nearest_cells(rows, 1)[:, 0])

    def searched_cells(self, rows: np.ndarray) -> np.ndarray:
        """The cells that each row's neighbors are sought in, shape (rows, cells)."""
        return self._nearest_cells(rows, min(_CELLS_SEARCHED, self._centers.ntotal))

    def _nearest_cells(self, rows: np.ndarray, count: int) -> np.ndarray:
        return np.asarray(self._centers.search(np.ascontiguousarray(self._vectors[rows]), count)[1])
