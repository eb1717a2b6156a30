"""Thirty answers on suspects say how far the doubts on all other labels are to be trusted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tilth.cleaning.label_errors.answered_suspects import correct_by_answers
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.noise.wrong_share import ErrorRate
from tilth.cleaning.label_errors.policy import LabelColumns
from tilth.samples import Task

ANSWERED, ROWS = 30, 230


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


def test_answers_on_corrected_doubts_are_weighed_against_those_of_the_models() -> None:
    """A second night shows the doubts as the first one's answers left them; what the models had said still counts."""
    rows, config = np.arange(ROWS), LabelErrorsConfig()
    first, _ = correct_by_answers(verdict(), frame(30), "t", rows, config, 0)
    assert first.wrong_before_answers is not None
    assert (first.wrong_before_answers == verdict().wrong).all()
    shown = {"given": "a", "given_confidence": 0.1, "given_confidence_before_answers": 0.5, "suspect": True}
    again = frame(30)
    again.loc[:14, "t_shown"] = json.dumps(shown)
    second, metrics = correct_by_answers(verdict(), again, "t", rows, config, 0)
    assert second.wrong == pytest.approx(first.wrong)
    assert metrics["by_answers"]["expected_wrong"] == 15.0


def test_a_label_keeps_what_the_models_said_of_it_beside_what_answers_made_of_that() -> None:
    task = Task(name="t", labels=("a", "b"))
    rows, table = np.arange(ROWS), pd.DataFrame({"t_given": ["a"] * ROWS})
    for answers in (30, 0):
        found = verdict()
        if answers:
            found, _ = correct_by_answers(found, frame(answers), "t", rows, LabelErrorsConfig(), 0)
        columns, out = LabelColumns(table, task, rows), table.copy()
        columns.write(np.zeros(ROWS, dtype=np.int64), np.array(["a", "b"]), found, found.issue, LabelErrorsConfig())
        columns.store_in(out)
        assert ("t_given_confidence_before_answers" in out) == bool(answers)
        if answers:
            assert out["t_given_confidence_before_answers"].tolist() == (1 - verdict().wrong).tolist()
            assert (out["t_given_confidence"] != out["t_given_confidence_before_answers"]).any()
