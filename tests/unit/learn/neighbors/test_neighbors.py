from __future__ import annotations

import numpy as np
import pytest

from tilth.learn.neighbors import Neighbors, nearest, within
from tilth.learn.neighbors import neighbors as module


def unit_vectors(rows: int, dimensions: int = 5) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(rows, dimensions)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def by_hand(vectors: np.ndarray, row: int, k: int) -> list[float]:
    cosines = [float(vectors[row] @ vectors[other]) for other in range(len(vectors)) if other != row]
    return sorted(cosines, reverse=True)[:k]


def assert_exact(found: Neighbors, vectors: np.ndarray, k: int) -> None:
    assert found.rows.shape == found.similarities.shape == (len(vectors), max(0, min(k, len(vectors) - 1)))
    for row in range(len(vectors)):
        assert row not in found.rows[row]
        assert len(set(found.rows[row])) == found.rows.shape[1]
        assert found.similarities[row] == pytest.approx(by_hand(vectors, row, k), abs=1e-5)
        assert vectors[found.rows[row]] @ vectors[row] == pytest.approx(found.similarities[row], abs=1e-5)


@pytest.mark.parametrize("k", [0, 1, 3, 50])
@pytest.mark.parametrize("rows", [0, 1, 2, 23])
def test_the_nearest_are_those_of_brute_force(rows: int, k: int) -> None:
    vectors = unit_vectors(rows)
    assert_exact(nearest(vectors, k), vectors, k)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_as_a_matrix_each_row_holds_the_weights_of_its_nearest(k: int) -> None:
    vectors = unit_vectors(7)
    found = nearest(vectors, k)
    matrix = found.matrix(found.similarities).toarray()
    for row, near in enumerate(found.rows):
        assert np.flatnonzero(matrix[row]).tolist() == sorted(near)
        assert matrix[row, near].tolist() == found.similarities[row].tolist()


def test_of_two_texts_alike_each_is_the_others_nearest_and_none_its_own() -> None:
    vectors = unit_vectors(23)
    vectors[7] = vectors[2]
    found = nearest(vectors, 1)
    assert (found.rows[7, 0], found.rows[2, 0]) == (2, 7)


def test_the_answer_does_not_depend_on_the_block() -> None:
    vectors = unit_vectors(23)
    whole, split = (nearest(vectors, 4, block=block) for block in (1024, 5))
    assert split.rows.tolist() == whole.rows.tolist()
    assert split.similarities == pytest.approx(whole.similarities, abs=1e-6)


def test_only_those_who_are_asked_about() -> None:
    vectors = unit_vectors(23)
    asked, whole = np.array([20, 3, 4]), nearest(vectors, 4)
    assert nearest(vectors, 4, asked, block=2).rows.tolist() == whole.rows[asked].tolist()


@pytest.mark.parametrize("k", [0, 1, 5, 30])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9, 1.0])
def test_a_part_has_the_neighbors_of_a_search_in_it_alone(share: float, k: int) -> None:
    vectors = unit_vectors(200)
    vectors[50:90] = vectors[50]  # copies, which fill the places of one another's neighbors
    part = np.flatnonzero(np.random.default_rng(1).random(200) < share)
    assert_exact(within(nearest(vectors, 16), vectors, part, k), vectors[part], k)


def test_a_part_is_searched_anew_only_for_rows_with_too_few_neighbors_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    angles = np.array([0, 1, 2, 3, 40, 41, 42, 90]) * np.pi / 180
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found, asked = nearest(vectors, 2), []

    def watched(vectors: np.ndarray, k: int, rows: np.ndarray) -> Neighbors:
        asked.append(rows.tolist())
        return nearest(vectors, k, rows)

    monkeypatch.setattr(module, "nearest", watched)
    among = within(found, vectors, np.array([0, 1, 3, 4, 7]), 1)  # without those at 2, 41 and 42 degrees
    assert asked == [[3, 4]]  # the rows at 40 and 90 degrees had kept 41 and 42 alone
    assert among.rows[:, 0].tolist() == [1, 0, 1, 2, 3]


@pytest.mark.parametrize("k", [1, 3, 6])
def test_of_equally_near_rows_the_first_are_taken_whatever_else_the_table_holds(k: int) -> None:
    own = np.repeat(np.eye(4, dtype=np.float32), [9, 5, 2, 1], axis=0)
    first = nearest(own, k)
    assert first.rows[0].tolist() == list(range(1, k + 1))
    assert first.rows[9].tolist() == [*range(10, 14), 0, 1][:k]
    others = np.concatenate([own, own[::-1], np.full((3, 4), 0.5, dtype=np.float32)])
    for wide in (k, 2 * k, 25):
        again = within(nearest(others, wide), others, np.arange(len(own)), k)
        assert again.rows.tolist() == first.rows.tolist()
