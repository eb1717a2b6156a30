"""What a night without gold says of its own score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilth.learn import OutOfFold
from tilth.samples import Task
from tilth.training.evaluation import HeldOutAnswers, estimated_scores
from tilth.training.inputs import LabelDoubt, TrainingSet
from tilth.training.views import PictureView

TASK = Task(name="tone", labels=("bad", "good"))
ROWS = 400
CODES = np.arange(ROWS) % 2
DOUBTED = np.arange(ROWS) >= 300
"""A quarter of the labels: the linear model gives all of them the other class, and that is right for 0.6 of each."""
HELD_OUT = np.arange(ROWS) % 5 == 0


def training_set(codes: np.ndarray = CODES) -> TrainingSet:
    answers = np.where(DOUBTED, 1 - CODES, CODES)
    probabilities = np.where(np.arange(2) == answers[:, None], 0.9, 0.1).astype(np.float32)
    right = np.where(DOUBTED[:, None], [[0.4, 0.6]], [[1.0, 0.0]])
    doubt = LabelDoubt(doubted=DOUBTED, codes=np.column_stack([codes, 1 - codes]), right=right)
    values: dict[str, Any] = {
        "tasks": (TASK,),
        "codes": {"tone": codes},
        "weights": {"tone": np.ones(ROWS)},
        "held_out": HELD_OUT,
        "original": np.ones(ROWS, dtype=bool),
        "propagated": {"tone": np.zeros(ROWS, dtype=bool)},
        "out_of_fold": {"tone": OutOfFold(probabilities=probabilities, labeled=~DOUBTED, temperature=1.0)},
        "doubts": {"tone": doubt},
    }
    return TrainingSet(**values)


def test_labels_in_doubt_count_for_as_much_as_they_are_believed() -> None:
    found = estimated_scores(CODES[~DOUBTED], training_set(), PictureView(), TASK, None)
    assert found["accuracy"] == pytest.approx(0.75 + 0.25 * 0.6)  # by the other rows alone it would be 1
    assert found["macro_f1"] == pytest.approx(0.9)


def test_the_exported_model_moves_it_by_what_held_out_rows_show() -> None:
    own = CODES[HELD_OUT]  # it gives the labels as they came, and is right for 0.4 of those in doubt
    answers = HeldOutAnswers(rows=HELD_OUT, measured={"tone": HELD_OUT & ~DOUBTED}, codes={"tone": own})
    found = estimated_scores(CODES[~DOUBTED], training_set(), PictureView(), TASK, answers)
    assert found["accuracy"] == pytest.approx(0.75 + 0.25 * 0.4)


def test_few_held_out_rows_say_nothing_of_the_exported_model() -> None:
    few = HELD_OUT & (np.arange(ROWS) < 200)
    answers = HeldOutAnswers(rows=few, measured={"tone": few}, codes={"tone": 1 - CODES[few]})
    assert estimated_scores(CODES[~DOUBTED], training_set(), PictureView(), TASK, answers)["accuracy"] == pytest.approx(
        0.9
    )


def test_rows_of_one_class_have_a_reason_in_place_of_a_score() -> None:
    one = np.zeros(ROWS, dtype=int)
    found = estimated_scores(one[~DOUBTED], training_set(one), PictureView(), TASK, None)
    assert found["macro_f1"] is None
    assert "a score needs two classes" in found["why"]
