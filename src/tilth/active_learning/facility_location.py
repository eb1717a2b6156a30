"""Batches that cover the most of what a model is unsure of: facility location, by lazy greedy selection.

A row that is asked tells of the rows that are like it. The gain of asking row j, where the rows in A are labeled or
chosen already, is the uncertainty that it covers and they do not:

    gain(j | A) = sum over rows i of mass_i * max(0, sim(i, j)^p - covered_i),   covered_i = max over A of sim(i, a)^p

The sum that a set covers is monotone and submodular, so that the greedy choice covers at least 1 - 1/e of what the
best batch of its size could (Nemhauser et al. 1978), and a gain once computed bounds all later ones of its row from
above, which spares most of the work (Minoux 1978).
"""

from __future__ import annotations

import numpy as np

_BLOCK = 1024
"""Rows whose similarities to all rows stand in memory at a time, but for the one matrix that a batch keeps."""
_REFRESHED = 16
"""Gains that are brought up to date at a time: one product of a few rows costs hardly more than one of a row."""


def greedy_coverage(
    vectors: np.ndarray, mass: np.ndarray, labeled: np.ndarray, *, count: int, power: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that together cover most mass, best first.

    Time and memory grow with the square of the rows: 10,000 rows take 400 MB and some seconds.

    Args:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        mass: what there is to cover at each row, 0 or more, shape (rows,).
        labeled: L2-normalized, float32, shape (labeled rows, dimensions): what they are like is covered already.
        count: how many rows.
        power: that the cosine is taken to (negative cosines count 0): the higher, the nearer a row must be.

    Returns:
        Places of the chosen rows, shape (count,) or fewer, and each row's gain as the first of the batch, shape
        (rows,).
    """
    mass, covered = mass.astype(np.float32), _covered(vectors, labeled, power)
    similar = np.empty((len(vectors), len(vectors)), dtype=np.float32)
    gains = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = _similar(vectors[start : start + _BLOCK], vectors, power, out=similar[start : start + _BLOCK])
        gains[start : start + _BLOCK] = np.maximum(part - covered, 0) @ mass
    first = gains.copy()
    chosen: list[int] = []
    known_at = np.zeros(len(vectors), dtype=np.int64)  # how many rows were chosen when the gain was computed
    for _ in range(min(count, len(vectors))):
        place = int(gains.argmax())
        while known_at[place] < len(chosen):
            stale = np.argpartition(-gains, min(_REFRESHED, len(gains)) - 1)[:_REFRESHED]
            stale = stale[(known_at[stale] < len(chosen)) & np.isfinite(gains[stale])]
            gains[stale] = np.maximum(similar[stale] - covered, 0) @ mass
            known_at[stale] = len(chosen)
            place = int(gains.argmax())
        chosen.append(place)
        covered = np.maximum(covered, similar[place])
        gains[place] = -np.inf
    return np.array(chosen, dtype=np.int64), first


def _similar(rows: np.ndarray, vectors: np.ndarray, power: int, out: np.ndarray | None = None) -> np.ndarray:
    """Cosines to a power, negative ones 0, shape (rows, vectors)."""
    cosine = np.matmul(rows, vectors.T, out=out)
    np.maximum(cosine, 0, out=cosine)
    _raise(cosine, power)
    return cosine


def _raise(values: np.ndarray, power: int) -> None:
    """Take values to a whole power, in place; numpy's own power of floats is ten times as slow."""
    if power == 1:
        return
    if power % 2:
        base = values.copy()
        _raise(values, power - 1)
        values *= base
    else:
        _raise(values, power // 2)
        values *= values


def _covered(vectors: np.ndarray, labeled: np.ndarray, power: int) -> np.ndarray:
    """The best similarity of each row to any labeled one, 0 where there is none, shape (rows,)."""
    covered = np.zeros(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors) if len(labeled) else 0, _BLOCK):
        best = (vectors[start : start + _BLOCK] @ labeled.T).max(axis=1)
        covered[start : start + _BLOCK] = np.maximum(best, 0) ** power
    return covered
