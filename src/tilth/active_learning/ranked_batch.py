"""modAL's ranked batch, made incremental: the same picks in the same order, in time and memory linear in the pool."""

from __future__ import annotations

import numpy as np

_BLOCK = 4096
"""Rows of the pool whose distances to all labeled rows stand in memory at a time."""
_REFRESHED = 64
"""Rows that are brought up to date at a time."""


def ranked_batch(
    pool: np.ndarray, unsure: np.ndarray, labeled: np.ndarray, *, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are uncertain and unlike what is labeled or picked (Cardoso et al. 2017), best first.

    The score of a row is a (1 - s) + (1 - a) u: a = pool left over pool left + labeled, s = 1 / (1 + distance to the
    nearest labeled or picked row), u = its uncertainty. As rows are picked, no distance grows: what a row's was is a
    bound, and only the rows that the bound puts first are measured anew.

    Args:
        pool: shape (rows, dimensions).
        unsure: shape (rows,).
        labeled: shape (labeled rows, dimensions).
        count: how many rows.

    Returns:
        Places of the picked rows, and the score of each row before the first was picked, shape (rows,).
    """
    nearest = nearest_distance(pool, labeled)
    known, left = len(labeled), len(pool)
    first = _scores(nearest, unsure, left, known)
    picks: list[int] = []
    seen = np.zeros(len(pool), dtype=np.int64)  # how many of the picks a row's distance takes in
    free = np.ones(len(pool), dtype=bool)
    for _ in range(min(count, len(pool))):
        bound = _scores(nearest, unsure, left - len(picks), known + len(picks))
        bound[~free] = -np.inf
        place = int(bound.argmax())
        while seen[place] < len(picks):
            stale = np.argpartition(-bound, min(_REFRESHED, len(pool)) - 1)[:_REFRESHED]
            stale = stale[(seen[stale] < len(picks)) & free[stale]]
            since = int(seen[stale].min())
            away = np.linalg.norm(pool[stale][:, None] - pool[picks[since:]][None], axis=2).min(axis=1)
            nearest[stale] = np.minimum(nearest[stale], away)
            seen[stale] = len(picks)
            bound[stale] = _scores(nearest[stale], unsure[stale], left - len(picks), known + len(picks))
            place = int(bound.argmax())
        picks.append(place)
        free[place] = False
    return np.array(picks, dtype=np.int64), first


def _scores(nearest: np.ndarray, unsure: np.ndarray, left: int, known: int) -> np.ndarray:
    share = left / (left + known)
    return np.asarray(share * (1 - 1 / (1 + nearest)) + (1 - share) * unsure)


def nearest_distance(pool: np.ndarray, labeled: np.ndarray) -> np.ndarray:
    """Euclidean distance of each row of the pool to its nearest labeled row, block by block, shape (rows,)."""
    result = np.zeros(len(pool))
    squares = (labeled**2).sum(axis=1)
    for start in range(0, len(pool), _BLOCK):
        part = pool[start : start + _BLOCK]
        squared = (part @ labeled.T) * -2
        squared += squares
        result[start : start + _BLOCK] = np.sqrt(np.maximum(squared.min(axis=1) + (part**2).sum(axis=1), 0))
    return result
