"""Stiff heads: what they learn of labels of which many are wrong, and what is taken of the classes' shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tilth.samples import Task
from tilth.training.heads import IMPOSSIBLE, fit_head, fit_stiff_head, log_shares

TASK = Task(name="t", labels=("often", "rare"))


def rows(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of 40 dimensions, of which the first tells a class that one row in eight has; and the classes."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(size) < 1 / 8).astype(np.int64)
    vectors = rng.normal(size=(size, 40))
    vectors[:, 0] += np.where(truth == 1, 4.0, -1.0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def test_shares_are_of_the_weights_and_to_the_mean_of_the_classes_that_have_any() -> None:
    codes = np.array([0, 0, 0, 1])
    assert log_shares(codes, np.ones(4), 3) == pytest.approx([math.log(1.5), math.log(0.5), 0])
    assert log_shares(codes, np.array([1, 1, 1, 3.0]), 3) == pytest.approx([0, 0, 0])
    assert log_shares(np.zeros(0, dtype=np.int64), np.zeros(0), 3) == pytest.approx([0, 0, 0])


def test_a_fifth_of_wrong_labels_costs_a_stiff_head_less_and_the_rare_class_is_found() -> None:
    vectors, truth = rows(500, 0)
    unseen, answers = rows(2000, 1)
    wrong = np.random.default_rng(2).random(500) < 0.2
    given, folds = np.where(wrong, 1 - truth, truth), np.arange(500) % 5
    weights = np.where(wrong, 0.3, 0.9)  # as cleaning leaves them
    loose = fit_head(TASK, vectors, given, weights, uses_parent=False)
    shrunk = fit_head(TASK, vectors, given, weights, uses_parent=False, looseness=1)
    stiff, logits = fit_stiff_head(TASK, vectors, given, weights, folds)
    scored = [f1_score(answers, head.logits(unseen).argmax(axis=1), average="macro") for head in (loose, shrunk, stiff)]
    assert scored[2] > max(scored[:2]) + 0.02
    assert scored[2] > 0.9
    # Rows are predicted without their own labels: those that are wrong stay contradicted.
    assert (logits.argmax(axis=1) == truth)[wrong].mean() > 0.8


def test_a_class_without_a_row_stays_impossible_and_single_rows_decide_nothing() -> None:
    """The last class has one row, which no other fold can know: its loss would be endless."""
    task = Task(name="t", labels=("a", "never", "b", "once"))
    vectors = np.eye(4)[[0, 0, 0, 0, 1, 1, 1, 1, 2]]
    codes, folds = np.array([0, 0, 0, 0, 2, 2, 2, 2, 3]), np.array([0, 1, 0, 1, 0, 1, 0, 1, 0])
    head, logits = fit_stiff_head(task, vectors, codes, np.ones(9), folds)
    assert head.bias[1] == IMPOSSIBLE
    assert head.logits(vectors).argmax(axis=1).tolist() == codes.tolist()
    assert logits[:8].argmax(axis=1).tolist() == codes[:8].tolist()
