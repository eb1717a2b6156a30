"""What several people's answers come to: the majority of few, and who is right how often among many."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from tilth.io.answers.annotator_agreement import agreement_in_words
from tilth.io.answers.consensus import Consensus, consensus
from tilth.store.answers import Verdict

ROWS = 12
RIGHT = {f"r{n}": "abc"[n % 3] for n in range(ROWS)}
WRONG = {"a": "b", "b": "c", "c": "a"}


def answers(ballots: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    lines = [(row_id, who, Verdict.LABEL, label) for row_id, ballot in ballots.items() for who, label in ballot.items()]
    return pd.DataFrame(lines, columns=["row_id", "who", "verdict", "label"])


def found(more: Mapping[str, Mapping[str, str]], rows: int = ROWS) -> Consensus:
    """Ann and bob are right in all of the rows, cy in the even ones alone, dee in every fourth."""
    ballots = {
        row_id: {
            "ann": label,
            "bob": label,
            "cy": WRONG[label] if number % 2 else label,
            "dee": WRONG[WRONG[label]] if number % 4 else label,
        }
        for number, (row_id, label) in enumerate(list(RIGHT.items())[:rows])
    }
    return consensus(answers({**ballots, **more}))


def test_of_few_answers_the_majority_decides() -> None:
    few = found({"tie": {"ann": "a", "cy": "b"}, "most": {"ann": "a", "cy": "b", "dee": "b"}}, rows=5)
    assert few.skill == {}
    assert few.labels == {"r0": "a", "r2": "c", "r4": "b", "most": "b"}
    assert few.differ == {"r1", "r3", "tie"}  # two of four are no majority


def test_of_many_answers_each_person_counts_by_how_often_they_are_right() -> None:
    many = found({"tie": {"ann": "a", "cy": "b"}, "most": {"ann": "a", "bob": "a", "dee": "b"}})
    # With a prior of 2 right of 3: ann in all 14 rows, bob in 13, cy in 6 of 13, dee in 3 of 13.
    expected = {"ann": 16 / 17, "bob": 15 / 16, "cy": 8 / 16, "dee": 5 / 16}
    assert many.skill == pytest.approx(expected, abs=0.05)
    assert {row: many.labels[row] for row in RIGHT} == RIGHT
    assert (many.labels["most"], many.labels["tie"]) == ("a", "a")
    assert many.differ == {"tie", *(f"r{n}" for n in range(1, ROWS, 2))}  # asked again, their labels in force


def test_a_majority_of_those_who_err_often_comes_back() -> None:
    odd = {f"r{n}" for n in range(1, ROWS, 2)}
    many = found({"most": {"ann": "a", "cy": "b", "dee": "b"}})
    assert many.differ == {"most", *odd}
    assert many.labels.get("most") in {None, "a"}
    assert found({"most": {"ann": "a", "bob": "b", "cy": "b"}}).differ == odd


def test_two_people_who_differ_give_no_hint_who_errs() -> None:
    ballots = {
        row_id: {"ann": label, "bob": WRONG[label] if row_id in {"r1", "r2"} else label}
        for row_id, label in RIGHT.items()
    }
    two = consensus(answers(ballots))
    assert (two.skill, two.differ) == ({}, {"r1", "r2"})


def test_agreement_is_said_with_who_is_right_how_often() -> None:
    counted = {"rows": 4, "same": 1, "alpha": None}
    assert agreement_in_words("area", counted, {}) == "area: of 4 rows that several people answered, 1 alike"
    assert agreement_in_words("area", counted, {"b": 0.5, "a": 0.504, "c": 0.9}).endswith(": c 90%, a 50%, b 50%")
