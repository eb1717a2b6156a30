from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from tests.unit.training.views.test_view_pooling import CODES, ROWS, TASK, TEXTS, training_set
from tilth.training.exporting.compression_inputs import _further_folds
from tilth.training.heads import Head
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import folds_of
from tilth.training.views.view_pooling import Wording

FRAME = pd.DataFrame({"id": [f"r{row}" for row in range(ROWS)], "text": TEXTS, "source": "input", "parent_id": None})
VECTORS = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32) + CODES[:, None]


def heads_of(codes: np.ndarray, trunk: Any = None) -> list[Head]:
    """The head of each further fold, fitted without it to such labels."""
    folds, head = folds_of(FRAME), Head(task=TASK, weight=np.zeros((2, 4)), bias=np.zeros(2))
    rows: Any = training_set(codes={"intent": codes}, held_out=folds == 0)
    fitted: Any = SimpleNamespace(trunk=trunk, training_set=rows, embeddings=VECTORS, heads=[head])
    found = _further_folds(TEXTS, folds, fitted, Wording(), Config())
    assert all((fold.measured["intent"] == (folds == place)).all() for place, fold in enumerate(found, 1))
    assert [fold.number for fold in found] == [*range(1, len(found) + 1)]
    return [fold.fit()[0] for fold in found]


def test_the_rows_of_a_fold_are_answered_by_heads_that_never_saw_their_labels() -> None:
    right = heads_of(CODES)
    wrong = heads_of(np.where(folds_of(FRAME) == 2, 1 - CODES, CODES))  # the labels of the second fold turned round
    assert len(right) == 4
    changed = [bool(np.abs(one.weight - other.weight).max() > 1e-6) for one, other in zip(right, wrong, strict=True)]
    assert changed == [True, False, True, True]


def test_a_trained_encoder_has_no_further_rows_to_be_measured_by() -> None:
    assert heads_of(CODES, trunk=object()) == []
