from __future__ import annotations

import numpy as np
import pytest

from tilth.active_learning import clustering
from tilth.active_learning.clustering import center_rows


def test_the_first_rows_asked_are_the_middle_ones_of_each_cluster() -> None:
    big = np.array([[0.0, 0.0], [0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])
    small = np.array([[9.9, 10.0], [10.0, 10.0], [10.1, 10.0]])
    assert center_rows(np.vstack([small, big]), count=2, seed=0).tolist() == [3, 1]


def test_no_row_is_asked_twice_and_no_more_than_there_are() -> None:
    assert sorted(center_rows(np.arange(6.0).reshape(3, 2), count=5, seed=0)) == [0, 1, 2]
    distinct = np.arange(40.0).reshape(20, 2) % 7
    assert len(set(center_rows(distinct, count=10, seed=1))) == 10


def test_of_very_many_rows_a_part_is_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "_SAMPLE", 30)
    rows = np.random.default_rng(0).normal(size=(200, 3))
    first, again = (center_rows(rows, count=8, seed=4) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert len(set(first)) == 8
