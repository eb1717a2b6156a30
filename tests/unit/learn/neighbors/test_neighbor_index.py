from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from tests.small_table import HashingEncoder, make_table
from tilth.learn.neighbors import nearest, neighbor_index, neighbors
from tilth.learn.neighbors.neighbor_index import CellIndex, fit_centers
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, Fits

SIDE, CLOUDS = 6, 40


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index from 100 rows on, of cells of 20 rows."""
    monkeypatch.setattr(neighbors, "EXACT", 100)
    monkeypatch.setattr(neighbor_index, "ROWS_A_CELL", 20)


def clouds(rows: int = 800, seed: int = 0) -> np.ndarray:
    """Rows around 40 directions."""
    rng = np.random.default_rng(seed)
    around = np.random.default_rng(7).normal(size=(CLOUDS, SIDE))
    vectors = around[rng.integers(CLOUDS, size=rows)] + 0.2 * rng.normal(size=(rows, SIDE))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    both = zip(found.tolist(), exact.tolist(), strict=True)
    return float(np.mean([len(set(one) & set(other)) / len(other) for one, other in both]))


def test_the_index_finds_nearly_all_that_brute_force_finds(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clouds()
    by_index = nearest(vectors, 5)
    monkeypatch.setattr(neighbors, "EXACT", len(vectors))
    exact = nearest(vectors, 5)
    assert recall(by_index.rows, exact.rows) > 0.97
    own = np.einsum("ij,ikj->ik", vectors, vectors[by_index.rows])
    assert by_index.similarities == pytest.approx(own, abs=1e-5)
    assert (np.diff(by_index.similarities, axis=1) <= 0).all()
    assert not (by_index.rows == np.arange(len(vectors))[:, None]).any()


def test_a_search_is_exact_up_to_its_limit(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "CellIndex", lambda *_: pytest.fail("an index for few rows"))
    nearest(clouds(100), 3)
    nearest(clouds(800), 3, np.arange(12))  # 12 times 800 cosines are fewer than 100 times 100


def test_rows_whose_cells_hold_too_few_others_are_searched_exactly(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbor_index, "_CELLS_SEARCHED", 1)
    vectors = clouds(400)
    found = nearest(vectors, 60)  # a cell has 20
    monkeypatch.setattr(neighbors, "EXACT", len(vectors))
    assert found.rows.min() >= 0
    assert found.similarities[0] == pytest.approx(nearest(vectors, 60).similarities[0], abs=1e-5)


def test_of_many_copies_the_first_ones_are_taken(small: None) -> None:
    vectors = clouds(150)
    vectors = np.concatenate([vectors, np.tile(vectors[:1], (30, 1))])
    found = nearest(vectors, 4).rows
    copies = np.concatenate([[0], np.arange(150, 180)])
    for row in copies:
        assert found[row].tolist() == [copy for copy in copies if copy != row][:4]


def test_the_same_seed_makes_the_same_cells() -> None:
    vectors = clouds()
    assert fit_centers(vectors, 1).tobytes() == fit_centers(vectors, 1).tobytes()
    assert fit_centers(vectors, 1).tobytes() != fit_centers(vectors, 2).tobytes()


def test_where_the_cells_hold_no_more_rows_the_rest_is_marked(small: None) -> None:
    rows, cosines = CellIndex(clouds(3), clouds(1)).search(4, np.arange(3))
    assert (rows[:, :2] >= 0).all()
    assert rows[:, 2:].tolist() == [[-1, -1]] * 3
    assert np.isneginf(cosines[:, 2:]).all()


def table(count: int, gold: str) -> Dataset:
    places = range(count)
    texts = [f"word{place % 31} other{place % 17} more{place % 7}" for place in places]
    return make_table(
        [[f"r{place}", texts[place], "train", None, None] for place in places] + [["g", gold, "gold", None, None]]
    )


def test_the_cells_go_on_from_night_to_night_and_gold_texts_make_none(small: None, tmp_path: Path) -> None:
    def night(count: int, gold: str, carried: Path | None) -> tuple[Evidence, np.ndarray]:
        fits = Fits(carried=carried, share=0.1, date="2026-01-01")
        evidence = Evidence(table(count, gold), encoder=HashingEncoder(), cache=Cache(tmp_path / "cache"), fits=fits)  # type: ignore[arg-type]
        return evidence, evidence.neighbors(3, np.arange(count)).rows

    first, near = night(300, "a gold text", None)
    assert [one.reused for one in first.fits.made] == [False]
    assert np.array_equal(near, night(300, "word1 other1 more1", None)[1])
    first.fits.write(tmp_path / "fits")
    later, _ = night(303, "a gold text", tmp_path / "fits")
    assert [(one.name, one.reused, one.changed) for one in later.fits.made] == [("cells of nearest rows", True, 3)]
    assert np.array_equal(later._centers(), first._centers())
