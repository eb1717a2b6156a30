from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.samples import Origin
from tilth.training.evaluation.robustness import FLIPS, measure_robustness
from tilth.training.export import Answers

TASK = TASKS[-1]


def with_paraphrases(frame: pd.DataFrame, parents: list[str], **columns: Any) -> pd.DataFrame:
    """The table with an accepted paraphrase of each of these rows."""
    rows = frame.set_index("id").loc[parents].reset_index()
    rows["parent_id"], rows["source"], rows["accepted"], rows["used"] = parents, "paraphrase", True, False
    rows["id"] = [f"{parent}~{number}" for number, parent in enumerate(parents)]
    return pd.concat([frame, rows.assign(**columns)], ignore_index=True)


def answers_of(frame: pd.DataFrame, changed: dict[int, int]) -> Answers:
    """The label of each row, 0 without one, but for some rows another; nine in ten sure."""
    codes = np.maximum(TASK.codes(frame[TASK.name]), 0)
    for place, code in changed.items():
        codes[place] = code
    probabilities = np.full((len(frame), len(TASK.labels)), 0.1 / (len(TASK.labels) - 1), dtype=np.float32)
    probabilities[np.arange(len(frame)), codes] = 0.9
    empty = np.zeros(len(frame))
    return Answers(
        probabilities={TASK.name: probabilities}, codes={TASK.name: codes}, confidence={TASK.name: empty + 0.9},
        scope=empty, out_of_scope=empty > 1,
    )  # fmt: skip


@pytest.fixture
def frame() -> pd.DataFrame:
    return table.to_pandas(make_table())


def test_answers_that_survive_are_counted_by_class_and_those_that_flip_are_asked(frame: pd.DataFrame) -> None:
    train = frame[frame["split"].eq("train") & frame[TASK.name].notna()]
    first, second = train["id"].iloc[:2]
    whole = with_paraphrases(frame, [first, first, second])
    label = TASK.labels.index(train[TASK.name].iloc[0])
    other = (label + 1) % len(TASK.labels)
    found = measure_robustness(whole, [TASK], answers_of(whole, {len(frame): other}))
    assert found.metrics[TASK.name] == {"pairs": 3, "answered_alike": 0.6667, "learned_from": 0}
    rows = {row[1]: row for row in found.figures[0].data["rows"]}
    same_class = train[TASK.name].iloc[0] == train[TASK.name].iloc[1]
    assert rows[TASK.labels[label]][2:] == ([3, 0.667] if same_class else [2, 0.5])
    assert found.figures[0].data["rows"][0][1] == TASK.labels[label]  # the lowest first
    (question,) = found.questions
    assert (question.row_id, question.detector, question.belief) == (first, FLIPS, TASK.labels[other])
    assert "1 of its 2 paraphrases" in question.reason
    # Of the row and its two paraphrases, two give the label 0.9, and one what is left to each other class.
    assert question.doubt == pytest.approx(1 - (0.9 + 0.9 + 0.1 / (len(TASK.labels) - 1)) / 3)


def test_what_a_person_said_is_not_asked_again_and_what_is_not_accepted_says_nothing(frame: pd.DataFrame) -> None:
    first = frame.loc[frame["split"].eq("train") & frame[TASK.name].notna(), "id"].iloc[0]
    answered = frame.copy()
    answered.loc[answered["id"] == first, f"{TASK.name}_origin"] = Origin.ANNOTATOR.value
    whole = with_paraphrases(answered, [first])
    label = int(TASK.codes(whole[TASK.name])[len(frame)])
    flipped = answers_of(whole, {len(frame): (label + 1) % len(TASK.labels)})
    found = measure_robustness(whole, [TASK], flipped)
    assert found.metrics[TASK.name]["answered_alike"] == 0
    assert found.questions == ()
    assert measure_robustness(with_paraphrases(frame, [first], accepted=False), [TASK], flipped).metrics == {}


def test_a_night_without_paraphrases_says_nothing(frame: pd.DataFrame) -> None:
    assert measure_robustness(frame, [TASK], answers_of(frame, {})).figures == ()
