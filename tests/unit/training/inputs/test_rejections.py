from __future__ import annotations

import numpy as np
import pytest

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.training.export import Answers
from tilth.training.inputs.rejections import rejected_rows


def test_rows_without_a_label_that_are_out_of_scope_are_asked_the_strangest_first() -> None:
    frame = table.to_pandas(make_table())
    unlabeled = np.flatnonzero(table.unlabeled(frame, TASKS[-1].name) & (frame["source"] == "input").to_numpy())
    assert len(unlabeled) >= 2
    scope = np.linspace(0.9, 0.5, len(frame)).astype(np.float32)
    scope[unlabeled[:2]] = 0.2, 0.1
    answers = Answers(
        probabilities={},
        codes={TASKS[-1].name: np.zeros(len(frame), dtype=int)},
        confidence={TASKS[-1].name: np.full(len(frame), 0.3)},
        scope=scope,
        out_of_scope=scope < 0.3,
    )
    asked = rejected_rows(frame, TASKS, answers)
    assert [one.row_id for one in asked] == [frame["id"].iloc[unlabeled[1]], frame["id"].iloc[unlabeled[0]]]
    assert asked[0].belief == TASKS[-1].labels[0]
    assert asked[0].doubt == pytest.approx(0.7)
