from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth.augmentation.selection import (
    CandidateMeasures,
    Candidates,
    GateConfig,
    add_grammar_verdicts,
    fill_budgets,
    gate_verdicts,
    refuse_by_people,
)
from tilth.augmentation.selection.measures import changed, novelty
from tilth.augmentation.text.slots import frame_json
from tilth.samples import Reason
from tilth.text import digest

GATE = GateConfig(low=0.7, high=0.98, content=0.9, agreement=0.5, changed=0.25, novelty=0.2, grammar=0.25, per_source=2)
SOURCE = "where is my refund of $20"


def candidates(*texts: str, parents: list[int] | None = None, source: str = SOURCE) -> Candidates:
    count = len(texts)
    return Candidates(
        np.array(parents or [0] * count),
        list(texts),
        [source] * count,
        [frame_json(source, ["refund"])] * count,
        np.full(count, 0.7),
        [("intent", "refund")] * count,
        np.full(count, -1),
    )


def measured(count: int = 1, **changes: Any) -> CandidateMeasures:
    values: dict[str, Any] = {
        "similarity": 0.85,
        "agreement": 0.9,
        "first_choice": True,
        "changed": 0.5,
        "novelty": 0.5,
        "leaks": False,
        "readable": 0.9,
    }
    return CandidateMeasures(**{name: np.array([changes.get(name, value)] * count) for name, value in values.items()})


GOOD = "i want to see my refund of $20"


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        (GOOD, {}, None),
        ("?", {}, Reason.EMPTY),
        (GOOD, {"leaks": True}, Reason.LEAK),
        ("i want to see my refund", {}, Reason.FRAME),
        ("i want to see my money of $20", {}, Reason.FRAME),
        ("i want to see my money of $20", {"similarity": 0.95}, None),
        (GOOD, {"similarity": 0.5}, Reason.SIMILARITY),
        (GOOD, {"similarity": 0.99}, Reason.SIMILARITY),
        (GOOD, {"changed": 0.2}, Reason.NOVELTY),
        (GOOD, {"novelty": 0.1}, Reason.NOVELTY),
        (GOOD, {"changed": 0.3, "novelty": 0.2}, None),
        (GOOD, {"agreement": 0.4}, Reason.LABEL_AGREEMENT),
        (GOOD, {"first_choice": False}, Reason.LABEL_AGREEMENT),
        (GOOD, {"agreement": np.nan}, None),
    ],
)
def test_each_check_gives_its_reason(text: str, changes: dict[str, Any], reason: Reason | None) -> None:
    assert gate_verdicts(candidates(text), measured(**changes), GATE) == [reason]


def test_grammar_is_looked_at_last() -> None:
    reasons = [None, None, Reason.LEAK]
    assert add_grammar_verdicts(reasons, np.array([0.0, 1.0, np.nan]), GATE) == [None, Reason.GRAMMAR, Reason.LEAK]


def test_what_changed_is_the_edit_distance_to_the_source() -> None:
    found = candidates("where is my refund now", SOURCE + "!", "")
    assert changed(found).tolist() == pytest.approx([2 / 6, 0.0, 1.0])


def test_novelty_is_the_nearest_rows_edit_distance() -> None:
    found = candidates("where is my refund now", "where is my refund of $20!", "completely other words here")
    vectors = np.eye(3, dtype=np.float32)
    rows = np.eye(3, dtype=np.float32)[:2]
    texts = [SOURCE, "what about my refund now"]
    assert novelty(found, vectors, rows, texts, np.array([0, 1])).tolist() == pytest.approx([2 / 6, 0.0, 1.0])


def test_the_budget_takes_the_best_and_spares_no_twins() -> None:
    texts = (
        "my refund of $20 is late",
        "my refund of $20 is late!",
        "tell me of the $20 refund",
        "so $20 refund where",
    )
    found = candidates(*texts)
    values = measured(4)
    values.agreement[:] = [0.9, 0.8, 0.7, 0.6]
    allowed = {("intent", "refund"): 10}
    assert fill_budgets(found, values, [None] * 4, allowed, GATE) == [None, Reason.NOVELTY, None, Reason.BUDGET]
    assert fill_budgets(found, values, [None] * 4, {("intent", "refund"): 1}, GATE)[2] == Reason.BUDGET
    assert fill_budgets(found, values, [None] * 4, {}, GATE)[0] == Reason.BUDGET


def test_of_two_twins_the_one_that_reads_better_stays() -> None:
    found = candidates("my refund of $20 is late", "my refund of $20 be late")
    for chances, kept in (([0.9, 0.7], 0), ([0.7, 0.9], 1), ([np.nan, 0.7], 1)):
        values = measured(2)
        values.readable[:] = chances
        reasons = fill_budgets(found, values, [None] * 2, {("intent", "refund"): 10}, GATE)
        assert [reason is None for reason in reasons] == [kept == 0, kept == 1]


def test_a_text_is_accepted_once_whoever_its_parent_is() -> None:
    found = candidates(GOOD, GOOD, parents=[0, 1])
    assert fill_budgets(found, measured(2), [None, None], {("intent", "refund"): 9}, GATE) == [None, Reason.NOVELTY]


def test_what_a_person_refused_as_a_paraphrase_of_a_row_is_none_of_that_row() -> None:
    found = candidates(GOOD, "refund my $20", GOOD, parents=[0, 0, 1])
    frame = pd.DataFrame({"wrong_paraphrases": [json.dumps([digest(GOOD)]), None]})
    assert refuse_by_people([None, Reason.FRAME, None], found, frame) == [Reason.REFUSED, Reason.FRAME, None]
    assert refuse_by_people([None, None, None], found, frame.iloc[:, :0]) == [None, None, None]
