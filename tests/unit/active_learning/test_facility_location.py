from __future__ import annotations

import numpy as np
import pytest

from tilth.active_learning import facility_location
from tilth.active_learning.facility_location import greedy_coverage


def rows(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_the_gain_by_hand() -> None:
    """Two rows at 60 degrees, cosine 1/2; squared, each covers a quarter of the other."""
    vectors = np.array([[1, 0], [0.5, np.sqrt(0.75)]], dtype=np.float32)
    picks, gains = greedy_coverage(vectors, np.array([2.0, 4.0]), np.zeros((0, 2), np.float32), count=2, power=2)
    assert gains == pytest.approx([2 + 4 / 4, 4 + 2 / 4])
    assert picks.tolist() == [1, 0]
    _, beside = greedy_coverage(vectors, np.array([2.0, 4.0]), vectors[:1], count=1, power=2)
    assert beside == pytest.approx([0, 4 * (1 - 1 / 4)])  # the first is labeled: nothing of it is left to cover


@pytest.mark.parametrize("seed", range(3))
def test_lazy_picks_are_those_of_plain_greedy(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facility_location, "_BLOCK", 7)
    monkeypatch.setattr(facility_location, "_REFRESHED", 3)
    vectors, labeled = rows(60, seed), rows(4, seed + 10)
    mass = np.random.default_rng(seed).random(60)
    picks, _ = greedy_coverage(vectors, mass, labeled, count=25, power=3)
    similar = np.maximum(vectors @ vectors.T, 0) ** 3
    covered = np.maximum(vectors @ labeled.T, 0).max(axis=1) ** 3
    expected: list[int] = []
    for _ in range(25):
        gains = (np.maximum(similar - covered, 0) * mass).sum(axis=1)
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        covered = np.maximum(covered, similar[expected[-1]])
    assert picks.tolist() == expected


def test_more_than_there_are_is_all_there_is() -> None:
    picks, _ = greedy_coverage(rows(5, 0), np.zeros(5), rows(1, 1), count=9, power=4)
    assert sorted(picks) == [0, 1, 2, 3, 4]
