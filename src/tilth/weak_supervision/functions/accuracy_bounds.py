"""What a share of few says of the whole."""

from __future__ import annotations

import numpy as np


def wilson(right: int, told: int, z: float = 1.96) -> float:
    """Lower end of the interval of a share.

    >>> round(wilson(10, 10), 3)
    0.722
    """
    if not told:
        return 0.0
    share, square = right / told, z * z
    middle = share + square / (2 * told)
    spread = z * np.sqrt(share * (1 - share) / told + square / (4 * told * told))
    return float((middle - spread) / (1 + square / told))


def below(right: int, told: int, least: float) -> bool:
    """Whether a function is less accurate than it has to be by more than one standard error.

    >>> below(2, 8, 0.5), below(2, 5, 0.5)
    (True, False)
    """
    return 1 - wilson(told - right, told, z=1.0) < least
