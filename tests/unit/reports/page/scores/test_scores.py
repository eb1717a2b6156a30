"""The score of a night, and its difference to another night's on the same rows."""

from __future__ import annotations

import pandas as pd
import pytest

from tilth.reports.page.scores import Answers, compare, expected, measure

IDS = [f"g{k}" for k in range(8)]
TRUTH = ["a", "a", "a", "a", "b", "b", "b", "b"]


def _answers(predicted: list[str], truth: list[str] = TRUTH, ids: list[str] = IDS, kind: str = "gold") -> Answers:
    return Answers(kind, pd.DataFrame({"t": truth}, index=ids), pd.DataFrame({"t": predicted}, index=ids))


def test_a_score_is_macro_f1_with_an_interval_around_it() -> None:
    found = measure(_answers(["a", "a", "b", "b", "b", "b", "b", "b"]))
    # a: 2 of 2 predicted, 2 of 4 found: 2·2/(4+2) = 2/3; b: 4 right of 4 + 6: 8/10.
    assert found["value"] == pytest.approx((2 / 3 + 0.8) / 2, abs=1e-4)
    assert found["low"] < found["value"] < found["high"]
    assert found["tasks"][0]["accuracy"] == 0.75


def test_the_same_answers_differ_by_nothing() -> None:
    found = compare(_answers(TRUTH), _answers(TRUTH))
    assert found == {"rows": 8, "value": 1.0, "difference": 0.0, "low": 0.0, "high": 0.0}


def test_only_rows_that_both_answered_under_the_same_label_count() -> None:
    other = _answers(["a"] * 4 + ["b"] * 3, truth=["b", "a", "a", "a", "b", "b", "b"], ids=IDS[:7])
    found = compare(_answers(TRUTH), other)
    assert found is not None
    assert found["rows"] == 6  # g0 had another label then, g7 was not there
    assert compare(_answers(TRUTH), _answers(TRUTH, kind="held_out")) is None
    assert compare(_answers(TRUTH), _answers(["a"], ["a"], ["other"])) is None
    assert compare(None, _answers(TRUTH)) is None


def test_rows_of_one_class_give_no_score_and_say_why() -> None:
    found = measure(_answers(["a", "a"], ["a", "a"], IDS[:2]))
    assert found["value"] is None
    assert "a score needs two classes" in found["tasks"][0]["why"]


def test_the_score_of_settled_labels_is_moved_to_what_is_expected_of_all() -> None:
    settled = measure(_answers(["a", "a", "b", "b", "b", "b", "b", "b"], kind="held_out"))
    found = expected(settled, {"t": {"macro_f1": 0.6, "accuracy": 0.62}})
    task = found["tasks"][0]
    assert (found["value"], task["value"], task["accuracy"]) == (0.6, 0.6, 0.62)
    assert task["low"] == pytest.approx(max(0.0, settled["low"] + 0.6 - settled["value"]), abs=1e-3)
    assert (found["kind"], found["rows"]) == ("held_out", 8)


def test_a_score_stays_where_the_night_expects_nothing() -> None:
    settled = measure(_answers(TRUTH, kind="held_out"))
    assert expected(settled, {"t": {"macro_f1": None, "accuracy": None, "why": "no label"}}) == settled
    single = measure(_answers(["a", "a"], ["a", "a"], IDS[:2], kind="held_out"))
    assert expected(single, {"t": {"macro_f1": 0.5, "accuracy": 0.5}}) == single
