"""Thirty answers on suspects say how far the doubts on all other labels are to be trusted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tilth.cleaning.label_errors.answered_suspects import correct_by_answers
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.noise.wrong_share import ErrorRate
from tilth.cleaning.label_errors.policy import LabelColumns
from tilth.samples import Task

ANSWERED, ROWS = 30, 230
CONFIG = LabelErrorsConfig()


def verdict() -> Verdict:
    """Doubts of 0.5 on the answered rows and on twenty others, of 0.02 on the rest."""
    wrong = np.full(ROWS, 0.02)
    wrong[: ANSWERED + 20] = 0.5
    return Verdict(
        issue=wrong > 0.4,
        wrong=wrong,
        probabilities=np.full((ROWS, 2), 0.5),
        name=TWO_VIEWS,
        rate=ErrorRate(share=0.12, low=0.05, high=0.25),
        measured={},
        injected=0,
    )


def frame(were_wrong: int) -> pd.DataFrame:
    shown = json.dumps({"given": "a", "given_confidence": 0.5, "suspect": True})
    answers = ["b"] * were_wrong + ["a"] * (ANSWERED - were_wrong)
    return pd.DataFrame(
        {"t_answer": answers + [None] * (ROWS - ANSWERED), "t_shown": [shown] * ANSWERED + [None] * (ROWS - ANSWERED)},
        dtype=object,
    )


@pytest.mark.parametrize(("were_wrong", "low", "high", "flagged"), [(30, 0.75, 1.0, 20), (0, 0.0, 0.25, 0)])
def test_suspects_like_those_that_people_checked_are_as_wrong_as_these_were(
    were_wrong: int, low: float, high: float, flagged: int
) -> None:
    found, metrics = correct_by_answers(verdict(), frame(were_wrong), "t", np.arange(ROWS), LabelErrorsConfig(), 0)
    others = found.wrong[ANSWERED : ANSWERED + 20]
    assert low < others.mean() < high
    assert found.issue[ANSWERED : ANSWERED + 20].sum() == flagged
    assert not found.issue[:ANSWERED].any()  # a person's answer is not doubted
    assert (found.wrong[:ANSWERED] == 0).all()
    told = metrics["by_answers"]
    assert told == {"checked": 30, "wrong": were_wrong, "expected_wrong": 15.0, "error_rate_before": 0.12}
    assert found.rate is not None
    assert found.rate.low <= found.rate.share <= found.rate.high
    # Of the labels as given, those that people found wrong are wrong, whatever else is.
    assert found.rate.share >= were_wrong / ROWS


def test_without_answers_or_with_another_filter_nothing_changes() -> None:
    before = verdict()
    rows = np.arange(ROWS)
    assert correct_by_answers(before, frame(30).assign(t_shown=None), "t", rows, LabelErrorsConfig(), 0) == (before, {})
    named = replace(before, name="confident_learning")
    assert correct_by_answers(named, frame(30), "t", rows, LabelErrorsConfig(), 0) == (named, {})


def surely_right() -> Verdict:
    """Doubts of 0 on fifty rows and of -4 on the rest; the share moves all of them by -12."""
    doubts = np.full(ROWS, -4.0)
    doubts[: ANSWERED + 20] = 0.0
    wrong = expit(doubts - 12)
    rate = ErrorRate(share=float(wrong.mean()), low=0.0, high=0.1)
    return replace(verdict(), wrong=wrong, issue=wrong > 0.4, rate=rate, doubts=doubts, at_most=wrong)


def shown_as(were_wrong: int, **shown: float) -> pd.DataFrame:
    text = json.dumps({"given": "a", **shown})
    return frame(were_wrong).assign(t_shown=[text] * ANSWERED + [None] * (ROWS - ANSWERED))


def test_answers_flag_labels_that_seemed_surely_right_by_what_models_doubted() -> None:
    """A probability that was stored as 1 says nothing of how sure it was; the doubt beside it does."""
    rows, before = np.arange(ROWS), surely_right()
    found, _ = correct_by_answers(before, shown_as(24, given_confidence=1.0, doubt=0.0), "t", rows, CONFIG, 0)
    assert found.issue.sum() == 20
    assert found.wrong[ANSWERED] == pytest.approx(24 / 30, abs=0.05)
    assert found.at_most is not None
    assert (found.at_most[ANSWERED : ANSWERED + 20] > found.wrong[ANSWERED : ANSWERED + 20]).all()
    assert (found.at_most[:ANSWERED] == 0).all()
    assert correct_by_answers(before, shown_as(24, given_confidence=1.0), "t", rows, CONFIG, 0) == (before, {})


def test_answers_of_a_night_that_earlier_answers_had_corrected_count_as_the_others_do() -> None:
    """What that night showed as 80% wrong was so by answers; that they are wrong is no news, and takes nothing back."""
    rows, before = np.arange(ROWS), surely_right()
    once, _ = correct_by_answers(before, shown_as(24, given_confidence=1.0, doubt=0.0), "t", rows, CONFIG, 0)
    later, _ = correct_by_answers(before, shown_as(24, given_confidence=0.2, doubt=0.0), "t", rows, CONFIG, 0)
    assert later.wrong == pytest.approx(once.wrong)


def test_people_who_find_all_of_them_right_narrow_the_interval() -> None:
    found, _ = correct_by_answers(surely_right(), shown_as(0, doubt=0.0), "t", np.arange(ROWS), CONFIG, 0)
    assert not found.issue.any()
    assert found.rate is not None
    assert found.at_most is not None
    assert found.rate.high < 0.05
    assert found.at_most.max() < 0.5  # so that nobody is asked about the others


def test_a_label_keeps_what_the_models_said_of_it_beside_what_answers_made_of_that() -> None:
    rows, out = np.arange(ROWS), pd.DataFrame({"t_given": ["a"] * ROWS})
    found, _ = correct_by_answers(surely_right(), shown_as(24, doubt=0.0), "t", rows, CONFIG, 0)
    columns, open_rows = LabelColumns(out, Task(name="t", labels=("a", "b")), rows), rows >= ANSWERED
    columns.write(np.zeros(ROWS, dtype=np.int64), np.array(["a", "b"]), found, open_rows, CONFIG)
    columns.store_in(out)
    assert out["t_doubt"].isna().tolist() == (~open_rows).tolist()
    assert out["t_doubt"].iloc[ANSWERED:].tolist() == [0.0] * 20 + [-4.0] * (ROWS - ANSWERED - 20)
    assert (out["t_given_confidence"].iloc[ANSWERED : ANSWERED + 20] < 0.5).all()
