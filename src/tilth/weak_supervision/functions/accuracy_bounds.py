"""What the accuracy on few rows says of the accuracy on all."""

from __future__ import annotations

import functools

from scipy.special import ndtr
from scipy.stats import binomtest


@functools.lru_cache(maxsize=65_536)
def wilson_lower_bound(right: int, labeled: int, z: float = 1.96) -> float:
    """Lower end of a proportion's confidence interval (Wilson 1927), `z` standard errors wide on each side.

    >>> round(wilson_lower_bound(10, 10), 3)
    0.722
    """
    if not labeled:
        return 0.0
    test = binomtest(right, labeled, alternative="greater")  # of which only the interval is wanted, here one-sided
    return float(test.proportion_ci(confidence_level=float(ndtr(z)), method="wilson").low)


def is_surely_below(right: int, labeled: int, least: float) -> bool:
    """Whether a function is less accurate than it has to be by more than one standard error.

    >>> is_surely_below(2, 8, 0.5), is_surely_below(2, 5, 0.5)
    (True, False)
    """
    return 1 - wilson_lower_bound(labeled - right, labeled, z=1.0) < least
