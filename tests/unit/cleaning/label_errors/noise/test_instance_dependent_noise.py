from __future__ import annotations

import numpy as np
import pytest

from tilth.cleaning.label_errors.noise.instance_dependent_noise import true_label_posterior


def peaked(right: np.ndarray, sure: np.ndarray, classes: int = 3) -> np.ndarray:
    found = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    found[np.arange(len(right)), right] = sure
    return found


def test_a_label_is_doubted_sooner_where_its_class_is_often_mistaken_for_it() -> None:
    codes = np.array([*[0] * 40, *[1] * 60, *[0] * 40, *[2] * 40])
    truth = np.array([*[0] * 40, *[1] * 100, *[2] * 40])  # four in ten of class 1 are given as 0
    probabilities = peaked(truth, np.full(len(codes), 0.8))
    probabilities[:2] = [
        [0.45, 0.45, 0.1],
        [0.45, 0.1, 0.45],
    ]  # given as 0; the rival is class 1, then 2
    found = true_label_posterior(codes, probabilities, np.zeros(len(codes)))
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[0, 0] < found[1, 0]
    assert (found.argmax(axis=1) == truth).all()


def hard_half(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, models' probabilities, and where they err: sure and right in one half, wrong in 3 of 10 in the other."""
    rng = np.random.default_rng(seed)
    truth, hard = rng.integers(0, 3, 2000), np.arange(2000) < 1000
    err = hard & (rng.random(2000) < 0.3)
    held = np.where(err, (truth + 1) % 3, truth)
    return truth, peaked(held, np.where(hard, rng.uniform(0.4, 0.6, 2000), rng.uniform(0.9, 0.99, 2000))), err


def test_what_models_contradict_where_they_err_is_put_down_to_them() -> None:
    truth, probabilities, err = hard_half()
    hard, rng = np.arange(2000) < 1000, np.random.default_rng(1)
    found = true_label_posterior(truth, probabilities, 0.5 * (hard & (rng.random(2000) < 0.6)))
    assert (found[np.arange(2000), truth] < 0.5).mean() < 0.03  # the labels are right; models err in 15%
    agreed = true_label_posterior(truth, probabilities, np.zeros(2000))
    assert (agreed[np.arange(2000), truth] < 0.5)[err].mean() > 0.9  # had they agreed, the labels would be in doubt


def test_errors_that_keep_to_the_hard_rows_are_found_there() -> None:
    truth, probabilities, _ = hard_half()
    hard, rng = np.arange(2000) < 1000, np.random.default_rng(1)
    wrong = hard & (rng.random(2000) < 0.5)
    codes = np.where(wrong, (truth + 2) % 3, truth)
    found = (
        true_label_posterior(codes, probabilities, 0.5 * (hard & (rng.random(2000) < 0.6)))[np.arange(2000), codes]
        < 0.5
    )
    assert (found & wrong).sum() / wrong.sum() > 0.75
    assert (found & wrong).sum() / found.sum() > 0.7


def test_where_models_learn_the_errors_too_these_are_counted_by_what_the_easy_rows_tell() -> None:
    rng, rows = np.random.default_rng(0), 4000
    hard, truth = np.linspace(1, 0, rows), rng.integers(0, 3, rows)
    wrong = rng.random(rows) < 0.6 * hard
    codes = np.where(wrong, (truth + 1) % 3, truth)
    err = rng.random(rows) < 0.5 * hard**2
    held = np.where(err & wrong, codes, np.where(err, (truth + 2) % 3, truth))  # of wrong labels they learn the label
    found = true_label_posterior(codes, peaked(held, 0.99 - 0.6 * hard), 0.5 * hard**2)[np.arange(rows), codes] < 0.5
    contradicted = held != codes
    assert found[contradicted & wrong].mean() > 0.95
    assert (found & ~wrong).sum() < 0.35 * found.sum()


def test_a_class_that_models_know_less_well_keeps_its_own() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    probabilities = np.where(
        truth == 1, rng.uniform(0.85, 0.95, 2000), rng.uniform(0.2, 0.56, 2000)
    )  # that it is class 1
    both = np.stack([1 - probabilities, probabilities], axis=1)
    leaning = (truth == 0) & (both.argmax(axis=1) == 1)
    assert leaning.sum() > 100
    found = true_label_posterior(truth, both, np.zeros(2000))
    assert (found[leaning, 0] > 0.5).all()


def test_a_class_without_a_label_is_none_the_likelier() -> None:
    codes = np.array([0, 1] * 100)
    probabilities = np.where(np.eye(3, dtype=bool)[codes], 0.9, 0.05)
    assert (true_label_posterior(codes, probabilities, np.zeros(200)).argmax(axis=1) == codes).all()


def test_no_rows_no_answer() -> None:
    assert true_label_posterior(np.zeros(0, dtype=int), np.zeros((0, 3)), np.zeros(0)).shape == (0, 3)
