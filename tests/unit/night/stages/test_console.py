"""What a person at a terminal reads of a stage."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.night import line
from tilth.night.stages.console import warnings

ENTRY = {
    "rows_in": 10, "rows_out": 12, "quarantined": {"junk": 1}, "review": {}, "seconds": 1.25, "cached": True,
    "skipped": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "metrics", "made"),
    [
        ("cleaning", {}, ""),
        ("cleaning", {"encoder": {"averaged": 0.4}}, ""),
        (
            "cleaning",
            {"encoder": {"averaged": 0.9}},
            "90% of the texts are read in chunks that are averaged; where one sentence of a text decides: "
            'encoder.long_texts = "passages" · ',
        ),
        (
            "cleaning",
            {"tasks": {"area": {"consensus": {"ignored_votes": 4}}, "intent": {}}},
            "area: annotators' votes for no class of it: 4 · ",
        ),
        (
            "weak_supervision",
            {"tasks": {"area": {"weakly_labeled_without_label": 3}, "intent": {"weakly_labeled_without_label": 0}}},
            "3 labels of area · 0 labels of intent · ",
        ),
        ("augmentation", {"accepted": 2, "used": 0}, "2 paraphrases accepted, 0 used · "),
        (
            "active_learning",
            {"asked": 5, "minutes": 1.4, "beyond_the_budget": 0, "expected": None},
            "5 to label in some 1 min · ",
        ),
        (
            "active_learning",
            {"asked": 50, "minutes": 9.6, "beyond_the_budget": 7, "expected": {"says": "another 100 labels: +1.1"}},
            "50 to label in some 10 min · 7 in doubt beyond the budget · another 100 labels: +1.1 · ",
        ),
    ],
)
def test_a_stage_is_one_line_of_what_it_made_and_set_aside(name: str, metrics: dict[str, Any], made: str) -> None:
    told = line({**ENTRY, "name": name, "metrics": metrics})
    assert told == f"{name:<17} 10 rows in · 12 out · {made}1 junk · 1.2 s · cached"


def test_a_stage_that_did_nothing_says_why() -> None:
    entry = {**ENTRY, "name": "cleaning", "metrics": {}, "skipped": "not asked for"}
    assert line(entry) == f"{'cleaning':<17} skipped: not asked for"


def test_what_weak_supervision_left_out_and_found_odd_is_a_line_each() -> None:
    left_out = {"a.py": "does not import", "intent.b": "loops", "intent.d": "loops"}
    remarks = {"intent.c": "prints: hello", **{f"intent.{name}": "votes on no row" for name in "efgh"}}
    assert warnings({"left_out": left_out, "remarks": remarks}) == [
        "labeling functions and files of them that are left out: 3",
        "left out: a.py: does not import",
        "left out: intent.b, intent.d: loops",
        "note: intent.c: prints: hello",
        "note: intent.e, intent.f and 2 more: votes on no row",
    ]
    assert warnings({}) == []
