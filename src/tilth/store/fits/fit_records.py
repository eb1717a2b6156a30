"""What a night says of its fits, and the digests by which it tells how many rows changed since one was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One fit of a night, as `run.json` shows it.

    Attributes:
        name: what was fitted.
        reused: whether an earlier night's was taken over.
        why: in words.
        date: when it was fitted, UTC, ISO 8601.
        rows: how many rows it learned from.
        changed: how many of them came, changed or went since.
    """

    name: str
    reused: bool
    why: str
    date: str
    rows: int
    changed: int


def row_digests(keys: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """What each row is to a fit: the row, and the label that is learned from it.

    Args:
        keys: a digest of each row's id and text, uint64, shape (rows,).
        codes: what is learned from it, integers, shape (rows,).

    Returns:
        uint64, shape (rows,).
    """
    mixed = keys ^ ((codes.astype(np.int64) + 2).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # a step of splitmix64
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def labeled_row_digests(keys: np.ndarray, codes: Iterable[np.ndarray]) -> np.ndarray:
    """The same with what is learned from a row for several tasks, of the rows that have a label for any.

    Args:
        keys: a digest of each row's id and text, uint64, shape (rows,).
        codes: for each task, integers, -1 where nothing is learned, shape (rows,).

    Returns:
        uint64, shape (labeled rows,).
    """
    labeled = np.zeros(len(keys), dtype=bool)
    for one in codes:
        keys, labeled = row_digests(keys, one), labeled | (one >= 0)
    return np.asarray(keys[labeled])


def rows_changed(before: np.ndarray, now: np.ndarray) -> int:
    """How many rows came, changed or went; one that changed is another row with another digest.

    >>> rows_changed(np.array([1, 2, 3]), np.array([2, 3, 4, 5]))
    2
    """
    same = len(np.intersect1d(before, now))
    return max(len(np.unique(before)), len(np.unique(now))) - same


def fits_in_words(made: Sequence[Mapping[str, Any]]) -> str:
    """What a stage took over of earlier nights, in a few words; empty where it took over none."""
    reused = [one for one in made if one["reused"]]
    if not reused:
        return ""
    since = min(one["date"][:10] for one in reused)
    anew = Counter(one["why"].partition(",")[0] for one in made if not one["reused"])
    words = f"{len(reused)} of {len(made)} models taken over, fitted {since}"
    return f"{words}; fitted anew: {'; '.join(anew)}" if anew else words


def next_name(name: str) -> str:
    """The same name with the next number.

    >>> next_name("labels"), next_name("labels #2")
    ('labels #2', 'labels #3')
    """
    plain, _, number = name.partition(" #")
    return f"{plain} #{int(number or 1) + 1}"


def plain_name(name: str) -> str:
    """The name without its number."""
    return name.partition(" #")[0]
