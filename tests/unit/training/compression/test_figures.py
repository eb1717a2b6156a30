"""The tables of rows whose answer flipped."""

from __future__ import annotations

import numpy as np

from tilth.samples import Task
from tilth.training.compression import flipped_rows


def test_a_row_without_a_label_stands_among_those_with_one() -> None:
    task = Task(name="intent", labels=("refund", "slow"))
    truth = ["slow", None, float("nan"), "refund"]
    full, smaller = np.array([1, 0, 1, 0]), np.array([0, 1, -1, 0])
    (figure,) = flipped_rows(task, ["a", "b", "c", "d"], truth, full, smaller, "gold")  # type: ignore[arg-type]
    assert figure.data["rows"] == [
        ["", "refund", "slow", "b"],
        ["", "slow", "(none)", "c"],
        ["slow", "slow", "refund", "a"],
    ]
