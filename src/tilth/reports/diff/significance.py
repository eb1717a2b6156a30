"""Whether a change is more than chance: exact tests, and the correction for how many there are.

SciPy's statistics, a second to load, load with the first test: most nights' alarms need none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ALPHA = 0.01
"""Of ten sorts of things that are compared every night, about one a week would be named by chance at 0.05."""
LEAST = 0.02
"""A share that moved by less than two points is no news, however sure it is."""


def holm(p_values: Sequence[float]) -> np.ndarray:
    """p-values corrected for how many there are, so that any false one is as rare as said (Holm 1979).

    >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def shares_differ(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """p-value of two shares being one, by Fisher's exact test; 1 where one of them is a share of nothing."""
    if not whole or not other_whole:
        return 1.0
    from scipy.stats import fisher_exact

    counts = [[part, whole - part], [other_part, other_whole - other_part]]
    return float(fisher_exact(counts)[1])


def discordant(better: int, worse: int) -> float:
    """p-value of as many rows getting better as worse, by McNemar's exact test.

    >>> discordant(0, 8) == 2 * 0.5**8
    True
    """
    from scipy.stats import binomtest

    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def count_change(change: int, share: float, *, added: int, removed: int, moved: int) -> tuple[float, tuple[int, int]]:
    """Whether a class gained or lost rows otherwise than the others did.

    By chance each of the rows that came belongs to the class with the share that it had, and so does each that went;
    a row that changed its label goes into the class as often as out of it. The sum of the three has a distribution
    that is computed exactly.

    Args:
        change: rows of the class now, less those before.
        share: of the class among the rows before.
        added: rows that came.
        removed: rows that went.
        moved: rows that came into the class from another, or went to another.

    Returns:
        The p-value, two-sided, and the changes between which 95% of chance lies.

    >>> p, usual = count_change(5, 0.5, added=5, removed=0, moved=0)
    >>> p == 2 * 0.5**5, usual
    (True, (0, 5))
    """
    low, weights = 0, np.ones(1)
    for count, probability, sign, step in ((added, share, 1, 1), (removed, share, -1, 1), (moved, 0.5, 1, 2)):
        first, part = _binomial(count, probability)
        if sign < 0:
            first, part = -(first + len(part) - 1), part[::-1]
        if step == 2:  # ins less outs
            first, part = 2 * first - count, np.insert(part, range(1, len(part)), 0.0)
        low, weights = low + first, np.convolve(weights, part)
    values = low + np.arange(len(weights))
    below, above = weights[values <= change].sum(), weights[values >= change].sum()
    total = np.cumsum(weights)
    places = np.minimum(np.searchsorted(total, [0.025, 0.975]), len(values) - 1)
    first_usual, last_usual = (int(value) for value in values[places])
    return float(min(1.0, 2 * min(below, above))), (first_usual, last_usual)


def _binomial(count: int, probability: float) -> tuple[int, np.ndarray]:
    """The lowest count that matters and the probabilities from there on."""
    if not count or probability <= 0:
        return 0, np.ones(1)
    from scipy.stats import binom

    spread = binom(count, min(probability, 1.0))
    low, high = int(spread.ppf(1e-12)), int(spread.ppf(1 - 1e-12))
    low = max(low, 0)
    return low, np.asarray(spread.pmf(np.arange(low, high + 1)))
