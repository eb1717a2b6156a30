"""How far two texts are apart, counted in edited words."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from tilth.text import normal_form

MIN_REWORDING = 0.25
"""Token edit distance from which a paraphrase counts as reworded: the gate's default."""


def edit_distance(one: Sequence[str], two: Sequence[str]) -> float:
    """Token edit distance over the longer length, 0 to 1.

    >>> edit_distance("where is my card".split(), "where is the new card".split())
    0.4
    """
    return Levenshtein.normalized_distance(one, two)


def rewording(source: str, paraphrase: str) -> float:
    """Token edit distance of two texts' normal forms."""
    return edit_distance(normal_form(source).split(), normal_form(paraphrase).split())
