"""Labels that may be wrong count for as much as they are believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tilth.learn import OutOfFold, apply_temperature
from tilth.samples import Task
from tilth.training.inputs.label_doubt import LabelDoubt, doubted_rows, label_doubt

TASK = Task(name="tone", labels=("bad", "good", "plain"))
FRAME = pd.DataFrame(
    {
        "status": "active",
        "split": "train",
        "source": "input",
        "tone": ["good", "bad", "plain", "good"],
        "tone_given": ["good", "bad", "good", "good"],
        "tone_origin": ["given", "given", "suggested", "propagated"],
        "tone_reason": [None, "label_review", "label_issue", None],
        "tone_confidence": [1.0, 0.4, 0.7, 0.6],
        "tone_given_confidence": [1.0, 0.4, 0.2, np.nan],
        "tone_suggested": ["plain", "plain", "plain", None],
        "tone_suggested_confidence": [0.0, 0.5, 0.7, np.nan],
    }
)


def test_the_table_says_what_is_believed_of_each_label() -> None:
    doubted = doubted_rows(FRAME, "tone", np.array([False, False, False, True]))
    assert doubted.tolist() == [False, True, True, False]
    found = label_doubt(FRAME, TASK, TASK.codes(FRAME["tone"]), doubted)
    assert found.codes.tolist() == [[1, 2], [0, 2], [2, 1], [1, -1]]  # of a changed label the given one is the other
    assert found.right == pytest.approx(np.array([[1.0, 0.0], [0.4, 0.5], [0.7, 0.2], [0.6, 0.0]]))


def test_a_table_that_nobody_cleaned_has_no_other_labels() -> None:
    plain = FRAME.drop(columns=[name for name in FRAME if "given_confidence" in name or "suggested" in name])
    found = label_doubt(plain, TASK, TASK.codes(plain["tone"]), np.zeros(4, dtype=bool))
    assert found.codes[:, 1].tolist() == [-1] * 4
    assert found.right[:, 1].tolist() == [0.0] * 4


def test_scores_count_a_label_for_as_much_as_it_is_believed() -> None:
    doubt = LabelDoubt(
        doubted=np.array([False, False, True]),
        codes=np.array([[0, -1], [1, -1], [1, 0]]),
        right=np.array([[1.0, 0.0], [1.0, 0.0], [0.25, 0.5]]),
    )
    found = doubt.expected_scores(np.ones(3, dtype=bool), np.array([0, 1, 0]), 2)
    assert found["accuracy"] == pytest.approx(2.5 / 3)
    # Class 0: 1.5 correct of 2 predicted and 1.5 true; class 1: 1 correct of 1 predicted and 1.25 true.
    assert found["macro_f1"] == pytest.approx((2 * 1.5 / 3.5 + 2 * 1 / 2.25) / 2)
    # Of three classes, what is left of the last label's probability belongs to the third.
    third = doubt.expected_scores(np.ones(3, dtype=bool), np.array([0, 1, 2]), 3)
    assert third["accuracy"] == pytest.approx(2.25 / 3)
    assert third["macro_f1"] == pytest.approx((2 * 1 / 2.5 + 2 * 1 / 2.25) / 2)
    sure = LabelDoubt.none(np.array([0, 1, 1]))
    assert sure.expected_scores(np.ones(3, dtype=bool), np.array([0, 1, 0]), 2)["accuracy"] == pytest.approx(2 / 3)


def test_confidence_falls_to_what_is_expected_to_be_right() -> None:
    rows = 400
    probabilities = np.tile(np.array([[0.95, 0.05]], dtype=np.float32), (rows, 1))
    doubted = np.arange(rows) % 4 == 0
    out_of_fold = OutOfFold(probabilities=probabilities, labeled=~doubted, temperature=1.0)
    codes = np.column_stack([np.where(doubted, 1, 0), np.where(doubted, 0, -1)])
    right = np.where(doubted[:, None], [[0.5, 0.4]], [[0.95, 0.0]])
    factor = LabelDoubt(doubted=doubted, codes=codes, right=right).softening(out_of_fold)
    expected = 0.75 * 0.95 + 0.25 * 0.4
    assert apply_temperature(probabilities, factor).max(axis=1).mean() == pytest.approx(expected, abs=1e-3)
    assert LabelDoubt.none(np.zeros(rows, dtype=int)).softening(out_of_fold) == 1.0  # less sure than right: as it is
