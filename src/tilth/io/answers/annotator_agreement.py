"""How far people agree where several answered the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

_FEWEST = 10
"""Rows that two people must share before the kappa of the two is shown: of fewer it says nothing."""


def agreement(ballots: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Krippendorff's alpha (2011, nominal) over all, and Cohen's kappa (1960) of each two who share ten rows.

    Args:
        ballots: of each row, who → what was said.

    Returns:
        `rows` that several answered, `same` (how many of them alike), `alpha` and `kappa` ("ann, bob" → value); None
        where all answers are of one class, for chance alone would agree so.

    >>> agreement([{"a": "x", "b": "x"}, {"a": "y", "b": "y"}, {"a": "x", "b": "y"}])["alpha"]
    0.4444
    """
    from sklearn.metrics import cohen_kappa_score  # heavy, and no command line waits for it

    shared = [dict(ballot) for ballot in ballots if len(ballot) > 1]
    kappa = {}
    for first, second in combinations(sorted({who for ballot in shared for who in ballot}), 2):
        pairs = [(ballot[first], ballot[second]) for ballot in shared if first in ballot and second in ballot]
        if len(pairs) >= _FEWEST and len({label for pair in pairs for label in pair}) > 1:
            kappa[f"{first}, {second}"] = round(float(cohen_kappa_score(*zip(*pairs, strict=True))), 4)
    same = sum(len(set(ballot.values())) == 1 for ballot in shared)
    return {"rows": len(shared), "same": same, "alpha": _alpha(shared), "kappa": kappa}


def agreement_in_words(task: str, found: Mapping[str, Any], skill: Mapping[str, float]) -> str:
    """What a person reads of it.

    >>> agreement_in_words("area", {"rows": 24, "same": 21, "alpha": 0.8512}, {"ann": 0.968})
    "area: of 24 rows that several people answered, 21 alike (Krippendorff's alpha 0.85); right by all answers: ann 97%"
    """
    alpha = "" if found["alpha"] is None else f" (Krippendorff's alpha {found['alpha']:.2f})"
    order = sorted(skill, key=lambda who: (-skill[who], who))
    people = ", ".join(f"{who} {skill[who]:.0%}" for who in order)
    weighed = f"; right by all answers: {people}" if people else ""
    return f"{task}: of {found['rows']} rows that several people answered, {found['same']} alike{alpha}{weighed}"


def _alpha(ballots: Sequence[Mapping[str, str]]) -> float | None:
    """1 − observed/expected disagreement, by the coincidences of values within rows."""
    totals: Counter[str] = Counter()
    apart = 0.0
    for ballot in ballots:
        counts = Counter(ballot.values())
        totals += counts
        size = len(ballot)
        apart += sum(count * (size - count) for count in counts.values()) / (size - 1)
    whole = sum(totals.values())
    chance = sum(count * (whole - count) for count in totals.values())
    return round(1 - (whole - 1) * apart / chance, 4) if chance else None
