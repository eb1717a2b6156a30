"""A part of many rows that depends on their order alone, and not on chance."""

from __future__ import annotations

import numpy as np


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """Places of so many rows at most, spread evenly from the first to the last: a sorted file starts with few classes.

    Args:
        count: of all rows.
        most: that are taken.

    Returns:
        int64, ascending, shape (min(count, most),).

    >>> evenly_spaced(5, 3), evenly_spaced(2, 3)
    (array([0, 2, 4]), array([0, 1]))
    """
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)
