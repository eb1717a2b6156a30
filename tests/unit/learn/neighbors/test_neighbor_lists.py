from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.small_table import HashingEncoder
from tests.unit.learn.neighbors.test_neighbor_index import clouds, small, table
from tilth.learn import row_features
from tilth.learn.neighbors import NeighborLists, fit_centers, neighbor_index, search_lists
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, Fits

__all__ = ["small"]  # a fixture
K = 10
KEYS = np.random.default_rng(3).permutation(2_000).astype(np.uint64)
VECTORS = clouds(2_000, seed=3)


@pytest.fixture(autouse=True)
def _few_cells(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbor_index, "_CELLS_SEARCHED", 6)


def lists_of(chosen: np.ndarray, centers: np.ndarray, before: NeighborLists | None = None) -> NeighborLists:
    return search_lists(VECTORS[chosen], KEYS[chosen], centers, K, before)


def assert_same(found: NeighborLists, expected: NeighborLists) -> None:
    """The K first of each list, to the last bits of a cosine, whose equals may have changed places."""
    similarities = found.similarities[:, :K]
    assert np.allclose(similarities, expected.similarities[:, :K], atol=1e-6)
    apart = found.rows[:, :K] != expected.rows[:, :K]
    ties = np.isclose(similarities, np.roll(similarities, 1, axis=1), atol=1e-6)
    assert not (apart & ~ties & ~np.roll(ties, -1, axis=1)).any()


@pytest.mark.parametrize("seed", range(6))
def test_after_any_edits_the_lists_are_those_of_a_search_of_all_rows(seed: int) -> None:
    draw = np.random.default_rng(seed)
    chosen = draw.permutation(2_000)[:800]
    centers = fit_centers(VECTORS[chosen])
    lists = lists_of(chosen, centers)
    for _ in range(5):
        gone, came = draw.integers(0, 60, size=2)
        others = np.setdiff1d(np.arange(2_000), chosen)
        chosen = draw.permutation(np.concatenate([draw.permutation(chosen)[gone:], draw.permutation(others)[:came]]))
        lists = lists_of(chosen, centers, lists)
        assert_same(lists, lists_of(chosen, centers))


def test_only_rows_that_came_or_lost_too_many_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = np.arange(800)
    centers = fit_centers(VECTORS[chosen])
    before = lists_of(chosen, centers)
    sought: list[int] = []
    search = NeighborLists.search
    monkeypatch.setattr(
        NeighborLists, "search", lambda lists, index, rows: (sought.extend(rows), search(lists, index, rows))
    )
    lists_of(np.arange(10, 805), centers, before)
    assert set(range(790, 795)) <= set(sought)  # rows 800 to 804 stand there now
    assert len(sought) < 30
    sought.clear()
    lists_of(np.arange(900, 1_700), centers, before)  # nearly all are others
    assert len(sought) == 800


def test_rows_of_one_key_are_sought_with_all_others() -> None:
    chosen = np.arange(400)
    centers = fit_centers(VECTORS[chosen])
    before = lists_of(chosen, centers)
    before.keys[:2] = before.keys[0]
    assert_same(lists_of(chosen, centers, before), lists_of(chosen, centers))


def test_a_night_takes_up_the_lists_of_the_night_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[NeighborLists | None] = []
    search = row_features.search_lists
    monkeypatch.setattr(row_features, "search_lists", lambda *of: (given.append(of[-1]), search(*of))[1])

    def night(count: int, cache: str, carried: Path | None) -> tuple[Fits, np.ndarray]:
        fits = Fits(carried=carried, share=0.1, date="2026-01-01")
        evidence = Evidence(table(count, "gold"), encoder=HashingEncoder(), cache=Cache(tmp_path / cache), fits=fits)  # type: ignore[arg-type]
        return fits, evidence.neighbors(5).similarities

    night(300, "cache", None)[0].write(tmp_path / "fits")
    later = night(303, "cache", tmp_path / "fits")[1]
    anew = night(303, "empty", tmp_path / "fits")[1]
    assert [one is not None for one in given] == [False, True, False]
    assert np.allclose(later, anew, atol=1e-6)
    night(303, "cache", tmp_path / "fits")
    assert len(given) == 3  # the very same table is not sought again
