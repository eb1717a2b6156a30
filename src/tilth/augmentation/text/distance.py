"""How far two texts are apart, counted in edited words."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.text import normal_form

CHANGED = 0.25
"""Token edit distance from which a paraphrase is worded anew: the gate's default."""


def edit_distance(one: Sequence[str], two: Sequence[str]) -> float:
    """Token edit distance over the longer length, 0 to 1.

    >>> edit_distance("where is my card".split(), "where is the new card".split())
    0.4
    """
    if not one or not two:
        return float(bool(one) or bool(two))
    row = list(range(len(two) + 1))
    for place, word in enumerate(one, 1):
        corner, row[0] = row[0], place
        for other, match in enumerate(two, 1):
            corner, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, corner + (word != match))
    return row[-1] / max(len(one), len(two))


def rewording(source: str, paraphrase: str) -> float:
    """Token edit distance of two texts' normal forms."""
    return edit_distance(normal_form(source).split(), normal_form(paraphrase).split())
