"""When a child's head reads its parent's probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.learn import OutOfFold
from tilth.samples import Task
from tilth.training.fitting.head_fitting import calibrated_heads
from tilth.training.inputs import TrainingSet

AREA = Task(name="area", labels=("a", "b"))
INTENT = Task(name="intent", labels=("x", "y"), parent="area", parent_of={"x": "a", "y": "b"})


def rows(parent_by_fold: np.ndarray) -> tuple[TrainingSet, np.ndarray]:
    """40 rows whose vectors say nothing, half of them held out, and what out-of-fold models hold of their parent."""
    codes = np.arange(40) % 2
    sure = np.full(40, True)
    folds = {
        "area": OutOfFold(probabilities=parent_by_fold[codes].astype(np.float32), labeled=sure, temperature=1.0),
        "intent": OutOfFold(probabilities=np.full((40, 2), 0.5, dtype=np.float32), labeled=sure, temperature=1.0),
    }
    made = TrainingSet(
        tasks=(AREA, INTENT),
        codes={"area": codes, "intent": codes},
        weights={"area": np.ones(40), "intent": np.ones(40)},
        held_out=np.arange(40) >= 20,
        original=sure,
        propagated={"area": ~sure, "intent": ~sure},
        out_of_fold=folds,
    )
    return made, np.ones((40, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("parent_by_fold", "used"),
    [
        ([[0.9, 0.1], [0.1, 0.9]], True),  # of 20 held-out rows 10 are mended
        ([[0.5, 0.5], [0.5, 0.5]], False),  # none is mended and none spoiled: a tie leaves it out
    ],
)
def test_a_child_reads_its_parent_where_held_out_rows_gain_beyond_chance(
    parent_by_fold: list[list[float]], used: bool
) -> None:
    training_set, vectors = rows(np.array(parent_by_fold))
    area, intent = calibrated_heads(training_set, vectors, None)
    assert not area.uses_parent
    assert intent.uses_parent is used
