from __future__ import annotations

import numpy as np
import pytest

from tilth.learn import Neighbors
from tilth.learn.neighbors import nearest
from tilth.weak_supervision.models import joint_model
from tilth.weak_supervision.models.joint_model import joint_probabilities, prepare_texts


def unit_rows(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=count)
    vectors = rng.normal(size=(count, 6)) + 2 * np.eye(6)[truth]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def test_rows_in_blocks_of_any_size_come_out_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = unit_rows()
    rng = np.random.default_rng(1)
    votes = np.where(rng.random((90, 3)) < 0.4, truth[:, None], -1)
    known = np.where(rng.random(90) < 0.2, truth, -1)

    def found() -> np.ndarray:
        return joint_probabilities(votes, prepare_texts(vectors, nearest(vectors, 5)), known, 3)

    whole = found()
    monkeypatch.setattr(joint_model, "_BLOCK", 7)
    assert found() == pytest.approx(whole, abs=1e-5)
    assert (whole.argmax(axis=1) == truth).mean() > 0.9


def test_whitened_vectors_have_no_correlation_left() -> None:
    vectors, _ = unit_rows(200)
    near = Neighbors(rows=np.zeros((200, 1), dtype=np.int32), similarities=np.ones((200, 1), dtype=np.float32))
    white = prepare_texts(vectors, near).white.astype(np.float64)
    assert white.mean(axis=0) == pytest.approx(np.zeros(white.shape[1]), abs=1e-5)
    assert white.T @ white / 200 == pytest.approx(np.eye(white.shape[1]), abs=1e-4)


def test_shares_of_votes_by_hand() -> None:
    shares = joint_model._vote_shares(np.array([[0, 0, 1], [-1, -1, -1]]), 2)
    assert shares == pytest.approx(np.array([[2.3 / 3.6, 1.3 / 3.6], [0.5, 0.5]]))
