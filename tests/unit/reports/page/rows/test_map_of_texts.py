from __future__ import annotations

import numpy as np
import pytest

from tilth.reports.page.rows import map_of_texts
from tilth.reports.page.rows.map_of_texts import place_new


def corners(count: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys, vectors and places of texts around two corners: the first half around one, the others around the other."""
    side = np.repeat([0, 1], count // 2)
    vectors = np.eye(2, dtype=np.float32)[side]
    return np.arange(10, 10 + count, dtype=np.uint64), vectors, np.stack([side, -side], axis=1).astype(np.float32)


def test_texts_that_have_a_place_stay_and_new_ones_stand_among_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_of_texts, "_AROUND", 3)
    monkeypatch.setattr(map_of_texts, "project", lambda *_: pytest.fail("all places anew"))
    keys, vectors, places = corners()
    places[3:] += np.array([[0, 0], [3, 0], [0, 3]], dtype=np.float32)
    rows = np.array([14, 99, 10], dtype=np.uint64)  # one of the second corner, one near it, one of the first
    found = place_new(rows, vectors[[4, 4, 0]], keys, places)
    assert found[0].tolist() == places[4].tolist()
    assert found[2].tolist() == places[0].tolist()
    assert found[1] == pytest.approx((places[4] + places[0]) / 2)  # of two that are there, both are nearest
    whole = np.append(keys, np.uint64(99))
    found = place_new(whole, np.append(vectors, vectors[[5]], axis=0), keys, places)
    assert np.array_equal(found[:6], places)
    assert found[6] == pytest.approx(places[3:].mean(axis=0))


def test_where_no_text_has_a_place_all_are_projected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_of_texts, "project", lambda vectors: vectors * 2)
    keys, vectors, places = corners()
    assert np.array_equal(place_new(keys + np.uint64(50), vectors, keys, places), vectors * 2)
