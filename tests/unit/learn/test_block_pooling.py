from __future__ import annotations

import numpy as np
import pytest

from tilth.learn import BlockPooling, fit_block_pooling


def texts(seed: int, count: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Texts of 5 to 9 blocks of noise near one direction; one block has the direction of the text's class."""
    random = np.random.default_rng(seed)
    counts, labels = random.integers(5, 10, count), np.arange(count) % 3
    owner = np.repeat(np.arange(count), counts)
    vectors = np.eye(8)[np.full(len(owner), 7)] + random.normal(0, 0.15, (len(owner), 8))
    decisive = np.array([random.integers(n) for n in counts])
    vectors[np.cumsum(counts) - counts + decisive] = np.eye(8)[labels] + random.normal(0, 0.15, (count, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return owner, vectors.astype(np.float32), labels, decisive


@pytest.fixture(scope="module")
def fitted() -> BlockPooling:
    owner, vectors, labels, _ = texts(0)
    return fit_block_pooling(owner, vectors, labels, classes=3, seed=0, steps=60)


def test_it_finds_the_block_that_decides(fitted: BlockPooling) -> None:
    owner, vectors, labels, decisive = texts(1)
    assert (fitted.probabilities(owner, vectors).argmax(axis=1) == labels).mean() > 0.9
    assert (fitted.decisive_blocks(owner, vectors) == decisive).mean() > 0.9


def test_weights_of_a_text_sum_to_one_and_do_not_depend_on_its_neighbors(fitted: BlockPooling) -> None:
    owner, vectors, _, _ = texts(2)
    weights = fitted.weights(owner, vectors)
    assert np.bincount(owner, weights) == pytest.approx(np.ones(90), abs=1e-5)
    alone = fitted.weights(np.zeros((owner == 3).sum(), dtype=int), vectors[owner == 3])
    assert alone == pytest.approx(weights[owner == 3], abs=1e-6)


def test_the_same_seed_gives_the_same_head(fitted: BlockPooling) -> None:
    owner, vectors, labels, _ = texts(0)
    again = fit_block_pooling(owner, vectors, labels, classes=3, seed=0, steps=60)
    assert np.array_equal(again.probabilities(owner, vectors), fitted.probabilities(owner, vectors))


def test_bad_input_is_named(fitted: BlockPooling) -> None:
    vectors = np.ones((3, 8), dtype=np.float32)
    with pytest.raises(ValueError, match="blocks of 2 texts and 3 labels"):
        fit_block_pooling(np.array([0, 0, 1]), vectors, np.zeros(3, dtype=int), classes=1, seed=0)
    with pytest.raises(ValueError, match="3 vectors of 2 blocks"):
        fitted.weights(np.array([0, 0]), vectors)
    with pytest.raises(ValueError, match="a text has none"):
        fitted.weights(np.array([0, 2, 2]), vectors)
