from __future__ import annotations

import numpy as np
import pytest

from tilth.cleaning.label_errors.noise.noise_injection import (
    best_threshold,
    confusion,
    error_rate,
    filter_score,
    inject_noise,
    probability_by_score,
)


def scores(wrong: float, count: int, seed: int) -> np.ndarray:
    """Scores of rows of which a share is wrong: wrong ones fall in 0 to 0.5, right ones in 0.3 to 1."""
    rng = np.random.default_rng(seed)
    is_wrong = np.arange(count) < wrong * count
    return np.where(is_wrong, rng.uniform(0, 0.5, count), rng.uniform(0.3, 1, count))


def test_rates_of_flagging_give_precision_by_hand() -> None:
    found = filter_score(recall=0.5, flagged=0.2, rate=0.3)
    assert (found.precision, found.recall) == (0.75, 0.5)  # of 20 flagged in 100, 15 of the 30 wrong ones
    assert found.f1 == pytest.approx(0.6)
    assert filter_score(recall=0.0, flagged=0.0, rate=0.3).f1 == 0


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.4])
def test_the_error_rate_is_read_off_the_two_densities(wrong: float) -> None:
    assert error_rate(scores(1.0, 2000, 1), scores(wrong, 5000, 2)) == pytest.approx(wrong, abs=0.02)


def test_the_best_threshold_lies_where_the_densities_cross() -> None:
    injected, others = scores(1.0, 2000, 1), scores(0.2, 5000, 2)
    best = best_threshold(injected, others, 0.2, 0.5)
    assert 0.29 < best.threshold < 0.5
    true_precision = (others[:1000] <= best.threshold).sum() / (others <= best.threshold).sum()
    assert best.precision == pytest.approx(true_precision, abs=0.05)


def test_no_threshold_is_precise_enough_where_scores_say_nothing() -> None:
    noise = np.random.default_rng(0).uniform(size=4000)
    best = best_threshold(noise[:1000], noise[1000:], 0.1, 0.5)
    assert (best.threshold, best.f1) == (-1.0, 0.0)


def test_chances_fall_with_the_score_and_add_up_to_the_error_rate() -> None:
    injected, others = scores(1.0, 2000, 1), scores(0.2, 5000, 2)
    wrong = probability_by_score(injected, others, 0.2, others)
    assert wrong.mean() == pytest.approx(0.2, abs=0.03)
    assert (np.diff(wrong[np.argsort(others)]) <= 1e-12).all()
    assert wrong[others > 0.55].max() < 0.01


def test_confusion_counts_what_is_doubted() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2, 2])
    probabilities = np.full((7, 3), 0.05)
    probabilities[np.arange(7), [0, 0, 1, 1, 1, 2, 2]] = 0.9  # the third row is labeled 0 and predicted to be 1
    found = confusion(codes, probabilities)
    assert found.sum(axis=1) == pytest.approx(1)
    assert np.diag(found).tolist() == [0, 0, 0]
    assert found[1, 0] == pytest.approx(0.75)  # one count, and half of one for either other class


def test_injection_changes_few_labels_and_says_which() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(4), 100)
    probabilities = np.full((400, 4), 0.1)
    probabilities[np.arange(400), codes] = 0.7
    before = codes.copy()
    changed, injected = inject_noise(codes, probabilities, rng)
    assert injected.sum() == 24  # 6%
    assert (changed != codes).tolist() == injected.tolist()
    assert (codes == before).all()
