"""Lists of nearest rows that take up what changed in a table, in place of a search of all its rows.

While the centers of an index's cells stay (`neighbor_index`), the list of a row depends on the rows of the cells that
it searches, and on nothing else. So the lists of another table with the same centers are still right for the rows that
both tables have: rows that came are compared with those that search their cell, and rows that went are taken out. For
that, lists are kept longer than they are read; one of which too many rows went is sought anew. What comes out is what a
search of all rows gives, but for the last bits of a cosine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tilth.learn.neighbors.neighbor_index import CellIndex

_SPARE = 16
"""Rows that a list holds beyond those that are read. Where 1 row in 100 of a table goes, of 80 rows 0.8 do in the mean,
and of hardly any list more than 5."""
_MOST = 0.25
"""Share of rows that came from which on all are sought anew: comparing them costs as much then."""
_BLOCK = 16_384
"""Rows whose lists are put together at a time."""


@dataclass(frozen=True, kw_only=True)
class NeighborLists:
    """The nearest rows of each row of a table, as far as its cells hold them.

    Attributes:
        keys: a digest of each row, uint64, shape (rows,).
        rows: positions, nearest first, int32, shape (rows, width); -1 beyond the last.
        similarities: cosines, float32, of the same shape; minus infinity beyond the last.
        known: how many of each list are surely the nearest, int32, shape (rows,).
    """

    keys: np.ndarray
    rows: np.ndarray
    similarities: np.ndarray
    known: np.ndarray

    def search(self, index: CellIndex, queries: np.ndarray) -> None:
        """Seek the lists of some rows anew."""
        rows, similarities = index.search(self.rows.shape[1], queries)
        self.rows[queries], self.similarities[queries] = rows, similarities
        self.known[queries] = (rows >= 0).sum(axis=1)


def search_lists(
    vectors: np.ndarray, keys: np.ndarray, centers: np.ndarray, k: int, before: NeighborLists | None = None
) -> NeighborLists:
    """The nearest rows of each row of a table, at least `k` of each where its cells hold as many.

    Args:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        keys: a digest of each row, uint64, shape (rows,); rows of one key have one vector.
        centers: of the cells, as `neighbor_index.fit_centers` gives them.
        k: how many are read.
        before: the lists of a table of other rows by the same centers, which are brought up to date where most of its
            rows are here too.
    """
    count, width = len(keys), k + _SPARE
    lists = NeighborLists(
        keys=keys,
        rows=np.full((count, width), -1, dtype=np.int32),
        similarities=np.full((count, width), -np.inf, dtype=np.float32),
        known=np.zeros(count, dtype=np.int32),
    )
    index = CellIndex(vectors, centers)
    place = None if before is None or before.rows.shape[1] != width else _places(before.keys, keys)
    if before is None or place is None or (place >= 0).sum() < (1 - _MOST) * count:
        lists.search(index, np.arange(count))
        return lists
    stayed = np.sort(place[place >= 0])
    came = np.setdiff1d(np.arange(count), stayed, assume_unique=True)
    _without_gone(before, place, lists)
    if len(came):
        _compare(lists, index, vectors, stayed, came)
    lists.search(index, np.union1d(came, np.flatnonzero(lists.known < k)))
    return lists


def _places(before: np.ndarray, now: np.ndarray) -> np.ndarray | None:
    """Where each row of a table stands in another one, -1 where it is gone; None where two rows have one key."""
    order = np.argsort(now)
    ascending = now[order]
    if not len(now) or len(np.unique(before)) < len(before) or (ascending[1:] == ascending[:-1]).any():
        return None
    at = np.minimum(np.searchsorted(ascending, before), len(now) - 1)
    return np.where(ascending[at] == before, order[at], -1)


def _without_gone(before: NeighborLists, place: np.ndarray, lists: NeighborLists) -> None:
    """Put in the lists of the rows that stayed, less the rows that went."""
    stayed = np.flatnonzero(place >= 0)
    columns = np.arange(lists.rows.shape[1])
    for start in range(0, len(stayed), _BLOCK):
        old = stayed[start : start + _BLOCK]
        rows = np.where(columns < before.known[old, None], place[before.rows[old]], -1)
        order = np.argsort(rows < 0, axis=1, kind="stable")
        rows = np.take_along_axis(rows, order, axis=1)
        cosines = np.take_along_axis(before.similarities[old], order, axis=1)
        lists.rows[place[old]], lists.similarities[place[old]] = rows, np.where(rows >= 0, cosines, -np.inf)
        lists.known[place[old]] = (rows >= 0).sum(axis=1)


def _compare(lists: NeighborLists, index: CellIndex, vectors: np.ndarray, stayed: np.ndarray, came: np.ndarray) -> None:
    """Let rows that came into the lists of the rows that stayed, and seek their cell."""
    cells = index.own_cells(came)
    newcomers = {int(cell): came[cells == cell] for cell in np.unique(cells)}
    for start in range(0, len(stayed), _BLOCK):
        block = stayed[start : start + _BLOCK]
        block = block[lists.known[block] > 0]
        searched = index.searched_cells(block)
        near = list(_nearer(lists, vectors, block, searched, newcomers))
        if near:
            _insert(lists, *(np.concatenate(parts) for parts in zip(*near, strict=True)))


def _nearer(
    lists: NeighborLists,
    vectors: np.ndarray,
    block: np.ndarray,
    searched: np.ndarray,
    newcomers: dict[int, np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By cell, the rows of a block, those that came and are no farther than the last of its list, and the cosines."""
    last = lists.similarities[block, lists.known[block] - 1]
    order = np.argsort(searched, axis=None, kind="stable")
    ascending = searched.ravel()[order]
    for cell, fresh in newcomers.items():
        first, end = np.searchsorted(ascending, [cell, cell + 1])
        here = order[first:end] // searched.shape[1]
        cosines = vectors[block[here]] @ vectors[fresh].T
        query, other = np.nonzero(cosines >= last[here, None])
        yield block[here[query]], fresh[other], cosines[query, other]


def _insert(lists: NeighborLists, queries: np.ndarray, rows: np.ndarray, cosines: np.ndarray) -> None:
    """Put rows into the lists of their query rows."""
    order = np.argsort(queries, kind="stable")
    which, first, counts = np.unique(queries[order], return_index=True, return_counts=True)
    line = np.repeat(np.arange(len(which)), counts)
    column = np.arange(len(order)) - np.repeat(first, counts)
    width, most = lists.rows.shape[1], int(counts.max())
    near = np.full((len(which), width + most), -1, dtype=np.int32)
    cosine = np.full(near.shape, -np.inf, dtype=np.float32)
    near[:, :width], cosine[:, :width] = lists.rows[which], lists.similarities[which]
    near[line, width + column], cosine[line, width + column] = rows[order], cosines[order]
    best = np.lexsort((near, -cosine), axis=-1)[:, :width]
    lists.rows[which] = np.take_along_axis(near, best, axis=1)
    lists.similarities[which] = np.take_along_axis(cosine, best, axis=1)
    lists.known[which] = np.minimum(lists.known[which] + counts, width)
