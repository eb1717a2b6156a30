from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from tilth.learn import VIEWS, class_centroids, complement_naive_bayes, cross_validate, pool, stiff_regression
from tilth.learn.models import views


def test_a_centroid_is_the_mean_of_its_rows() -> None:
    train = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=np.float32)
    found = class_centroids(train, np.array([0, 0, 2]), np.array([[1.0, 0.0]], dtype=np.float32), 3)
    # The mean of the first two is (0.8, 0.4), of length sqrt(0.8): cosines 2 / sqrt(5) and 0, times 20.
    first = 1 / (1 + np.exp(-20 * 2 / np.sqrt(5)))
    assert found[0] == pytest.approx([first, 0, 1 - first], abs=1e-6)


def test_weights_move_a_centroid() -> None:
    train, labels = np.eye(2, dtype=np.float32), np.array([0, 0])
    test = np.array([[1.0, 0.0]], dtype=np.float32)
    train, labels = np.vstack([train, [[0.6, 0.8]]]).astype(np.float32), np.array([0, 0, 1])
    even = class_centroids(train, labels, test, 2)[0, 0]  # cosines 0.71 and 0.6
    uneven = class_centroids(train, labels, test, 2, np.array([0.0, 1.0, 1.0]))[0, 0]  # cosines 0 and 0.6
    assert even == pytest.approx(1 / (1 + np.exp(20 * (0.6 - np.sqrt(0.5)))), abs=1e-5)
    assert uneven == pytest.approx(1 / (1 + np.exp(20 * 0.6)), abs=1e-5)


def test_complement_naive_bayes_goes_by_the_words_of_all_other_classes() -> None:
    # Words: pay, crash. Class 0 says pay 2 and crash 1 times, class 1 pay 1 and crash 2 times.
    train = sparse.csr_matrix(np.array([[2.0, 1.0], [1.0, 2.0]]))
    found = complement_naive_bayes(train, np.array([0, 1]), sparse.csr_matrix([[1.0, 0.0]]), 3)
    # With one added to each count the complement of class 0 has pay 2 of 5, that of class 1 pay 3 of 5.
    assert found[0] == pytest.approx([(1 / 0.4) / (1 / 0.4 + 1 / 0.6), (1 / 0.6) / (1 / 0.4 + 1 / 0.6), 0], abs=1e-6)


@pytest.mark.parametrize("model", [complement_naive_bayes, class_centroids])
def test_rows_read_a_block_at_a_time_give_the_same(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    features = sparse.csr_matrix(rng.poisson(0.5, (60, 12)), dtype=np.float32)
    codes, folds, rows = rng.integers(3, size=40), rng.integers(4, size=40), rng.permutation(60)[:40]
    codes[:3] = -1

    def predicted(**options: bool) -> np.ndarray:
        read = features if model is complement_naive_bayes else features.toarray()
        return cross_validate(
            read, codes, folds, classes=3, fold_count=4, model=model, rows=rows, **options
        ).probabilities

    whole = predicted()
    assert predicted(by_blocks=True).tolist() == whole.tolist()
    monkeypatch.setattr(views, "_BLOCK", 7)
    asked: list[int] = []
    sliced = sparse.csr_matrix.__getitem__
    monkeypatch.setattr(sparse.csr_matrix, "__getitem__", lambda self, key: asked.append(len(key)) or sliced(self, key))
    assert predicted(by_blocks=True) == pytest.approx(whole, abs=1e-6)
    assert max(asked, default=7) == 7


def test_a_stiff_regression_does_not_learn_a_single_wrong_row() -> None:
    train = sparse.csr_matrix(np.repeat(np.eye(2), 20, axis=0))
    labels = np.repeat([0, 1], 20)
    labels[0] = 1
    found = stiff_regression(train, labels, train[:1], 2)
    assert found[0].argmax() == 0


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize(("labels", "expected"), [([], [1 / 3] * 3), ([1, 1], [0, 1, 0])])
def test_with_no_class_or_one_there_is_nothing_to_learn(name: str, labels: list[int], expected: list[float]) -> None:
    train = np.ones((len(labels), 2), dtype=np.float32)
    test = np.ones((1, 2), dtype=np.float32)
    if VIEWS[name].reads != "vectors":
        train, test = sparse.csr_matrix(train), sparse.csr_matrix(test)
    found = VIEWS[name].fit_predict(train, np.array(labels, dtype=np.int64), test, 3)
    assert found[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["words", "characters", "wording"])
def test_rows_that_share_no_word(name: str) -> None:
    train = sparse.csr_matrix((2, 0), dtype=np.float32)
    found = VIEWS[name].fit_predict(train, np.array([0, 1]), sparse.csr_matrix((1, 0), dtype=np.float32), 2)
    assert found[0] == pytest.approx([0.5, 0.5])


def test_a_pool_must_convince_all() -> None:
    found = pool(np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]]))
    first, second = np.sqrt(0.9 * 0.4), np.sqrt(0.1 * 0.6)
    assert found[0] == pytest.approx([first / (first + second), second / (first + second)])
