from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilth.training.compression import full_model
from tilth.training.compression.full_model import FullModel
from tilth.training.compression.held_out import Fold
from tilth.training.views.view_pooling import Wording

ROWS = 14


@pytest.mark.parametrize(("left", "others"), [(10_000, [1, 3, 5, 7, 9]), (40, [1, 9]), (20, []), (-5, [])])
def test_texts_without_a_label_are_compared_as_far_as_they_are_short(left: int, others: list[int]) -> None:
    """Odd rows are of the fold, 11 is a paraphrase, 13 unread; two even ones are its labeled rows; ten letters each."""
    labeled, numbers = np.isin(np.arange(ROWS), [2, 4]), np.arange(ROWS) % 2
    model: Any = SimpleNamespace(
        texts=["0123456789"] * ROWS,
        transfer_rows=np.ones(ROWS, dtype=bool),
        original=np.arange(ROWS) != 11,
        embeddings=np.where(np.arange(ROWS)[:, None] != 13, 1.0, np.zeros(2)),
        folds=np.where(labeled, 1, numbers),
    )
    fold = Fold(number=1, measured={"intent": labeled}, fit=list, wording=Wording())
    found = FullModel._compared(model, fold, left)
    assert np.flatnonzero(found).tolist() == sorted([2, 4, *others])


def test_no_more_texts_are_read_to_distill_on_than_steps_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of seven texts, the paraphraser's two among them, four are read: the first, the last, and two between."""
    read: list[str] = []

    def read_texts(_trunk: Any, _tokens: Any, texts: list[str], _limit: int) -> tuple[np.ndarray, np.ndarray]:
        read.extend(texts)
        return np.zeros((len(texts), 2)), np.zeros((1, len(texts), 2))

    monkeypatch.setattr(full_model, "read_texts", read_texts)
    monkeypatch.setattr(full_model.Tokens, "load", lambda _source: None)
    model: Any = SimpleNamespace(
        texts_at=lambda _rows: ["a", "b", "c", "d", "e"],
        transfer_rows=None,
        extra_texts=["f", "g"],
        most_texts=4,
        trunk=None,
        source=None,
        limit=8,
        heads_without_held_out=[],
        wording=Wording(),
    )
    transfer = FullModel.transfer.func(model)  # type: ignore[attr-defined]
    assert (read, transfer.texts) == (["a", "c", "e", "g"], ["a", "c", "e", "g"])
