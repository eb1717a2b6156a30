from __future__ import annotations

import numpy as np
import pytest

from tilth.learn import PassagePooling, choose_focus, fit_passage_pooling, pooled, together
from tilth.learn.encoder import Passages

FOLDS = 3


def texts(seed: int, count: int = 90) -> tuple[Passages, np.ndarray, np.ndarray]:
    """Texts of 5 to 9 passages of noise near one direction; one passage has the direction of the text's class."""
    random = np.random.default_rng(seed)
    counts, labels = random.integers(5, 10, count), np.arange(count) % 3
    owner = np.repeat(np.arange(count), counts)
    vectors = np.eye(8)[np.full(len(owner), 7)] + random.normal(0, 0.15, (len(owner), 8))
    decisive = np.array([random.integers(n) for n in counts])
    vectors[np.cumsum(counts) - counts + decisive] = np.eye(8)[labels] + random.normal(0, 0.15, (count, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Passages.of(owner, vectors.astype(np.float32), count), labels, decisive


def means(passages: Passages) -> np.ndarray:
    return pooled(passages, np.ones(len(passages.index), dtype=np.float32))


@pytest.fixture(scope="module")
def fitted() -> PassagePooling:
    passages, labels, _ = texts(0)
    return fit_passage_pooling(passages, labels, classes=3)


def test_it_finds_the_passage_that_decides(fitted: PassagePooling) -> None:
    passages, labels, decisive = texts(1)
    assert (fitted.probabilities(passages).argmax(axis=1) == labels).mean() > 0.9
    weights = fitted.weights(passages)
    found = [weights[passages.starts[row] : passages.starts[row + 1]].argmax() for row in range(len(labels))]
    assert (np.array(found) == decisive).mean() > 0.9


def test_a_passage_speaks_by_its_log_sum_exp() -> None:
    """Two passages with logits (ln 3, 0) and (0, 0): sums 4 and 2, so that the classes get 4/6 and 2/6."""
    pooling = PassagePooling(np.array([[np.log(3) / 10, 0], [0, 0]], dtype=np.float32), np.zeros(2, dtype=np.float32))
    passages = Passages.of([0, 0], np.eye(2, dtype=np.float32), 1)
    assert pooling.probabilities(passages)[0] == pytest.approx([4 / 6, 2 / 6])
    assert pooling.weights(passages) == pytest.approx([4 / 6 * 3 / 4 + 2 / 6 / 2, 4 / 6 / 4 + 2 / 6 / 2])
    assert pooled(passages, np.array([3.0, 4.0]))[0] == pytest.approx([0.6, 0.8])


def test_weights_of_a_text_sum_to_one_and_do_not_depend_on_its_neighbors(fitted: PassagePooling) -> None:
    passages, _, _ = texts(2)
    weights = fitted.weights(passages)
    assert np.add.reduceat(weights, passages.starts[:-1]) == pytest.approx(np.ones(90), abs=1e-5)
    alone = fitted.weights(passages.part(np.array([3])))
    assert alone == pytest.approx(weights[passages.owner == 3], abs=1e-6)


def test_a_class_without_a_text_is_never_given(fitted: PassagePooling) -> None:
    passages, labels, _ = texts(0, count=30)
    found = fit_passage_pooling(passages, labels, classes=5).probabilities(passages)
    assert (found[:, 3:] == 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(30), abs=1e-5)


def test_passages_win_where_one_of_them_decides_and_nothing_else() -> None:
    passages, labels, _ = texts(0)
    folds = np.random.default_rng(0).integers(0, FOLDS, len(labels))
    focus = choose_focus(passages, means(passages), labels, folds, classes=3, fold_count=FOLDS)
    assert focus.facts["chosen"] == "passages"
    assert focus.facts["passages"] > focus.facts["mean"]
    assert focus.facts["rows"] == 90
    random = np.random.default_rng(1).permutation(labels)  # labels that nothing in the texts tells
    alike = choose_focus(passages, np.eye(3, dtype=np.float32)[random], random, folds, classes=3, fold_count=FOLDS)
    assert (alike.facts["chosen"], alike.weights, alike.poolings) == ("mean", None, ())


def test_no_label_weighs_the_passages_of_its_own_text() -> None:
    passages, labels, _ = texts(0)
    folds = np.arange(len(labels)) // 3 % FOLDS
    first = choose_focus(passages, means(passages), labels, folds, classes=3, fold_count=FOLDS)
    changed = labels.copy()
    changed[0] = (labels[0] + 1) % 3
    again = choose_focus(passages, means(passages), changed, folds, classes=3, fold_count=FOLDS)
    assert first.weights is not None
    assert again.weights is not None
    own = passages.owner == 0
    assert np.array_equal(first.weights[own], again.weights[own])
    assert not np.array_equal(first.weights[passages.owner == 5], again.weights[passages.owner == 5])


def test_several_tasks_weigh_passages_together() -> None:
    passages, labels, _ = texts(0)
    folds = np.arange(len(labels)) // 3 % FOLDS
    focus = choose_focus(passages, means(passages), labels, folds, classes=3, fold_count=FOLDS)
    mean = type(focus)(facts={"chosen": "mean"})
    both = together([focus, mean])
    assert both.weights is not None
    assert np.array_equal(both.weights, focus.weights)  # a task that goes by the mean has no say
    assert together([mean]).weights is None


def test_bad_input_is_named() -> None:
    vectors = np.ones((3, 8), dtype=np.float32)
    with pytest.raises(ValueError, match="passages of 2 texts and 3 labels"):
        fit_passage_pooling(Passages.of([0, 0, 1], vectors, 2), np.zeros(3, dtype=int), classes=1)
    with pytest.raises(ValueError, match="3 vectors of 2 passages"):
        Passages.of([0, 0], vectors, 1)
    with pytest.raises(ValueError, match="each text one passage at least"):
        Passages.of([0, 2, 2], vectors, 3)
