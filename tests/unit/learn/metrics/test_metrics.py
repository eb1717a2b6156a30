from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from tilth.learn.metrics.metrics import expected_calibration_error, f1_counts, macro_f1, paired_bootstrap, scores


def test_macro_f1_by_hand() -> None:
    """Class 0: 1 right of 2, nothing else predicted as 0, F1 2/3. Class 1: 2 right, 3 predicted, F1 4/5."""
    assert macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3) == pytest.approx((2 / 3 + 4 / 5) / 2)
    correct, size = f1_counts(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3)
    assert correct.tolist() == [1, 2, 0]
    assert size.tolist() == [3, 5, 0]


def test_a_class_that_is_only_predicted_is_no_class_of_its_own() -> None:
    """ "c" is predicted once and never true: it costs "a" a hit (F1 2/3) and is not averaged over (else 5/9)."""
    assert scores(["a", "a", "b"], ["a", "c", "b"]) == {"macro_f1": 0.8333, "accuracy": 0.6667}


def test_codes_and_names_give_what_scikit_learn_gives() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(7, size=500), rng.integers(9, size=500)
    expected = f1_score(truth, predicted, labels=range(7), average="macro", zero_division=0)
    assert macro_f1(truth, predicted, 9) == pytest.approx(expected, abs=1e-12)
    named = scores([f"l{code}" for code in truth], [f"l{code}" for code in predicted])
    assert named == {"macro_f1": round(expected, 4), "accuracy": round(accuracy_score(truth, predicted), 4)}


def test_the_bootstrap_draws_rows_with_repeats_and_leaves_out_what_is_unknown() -> None:
    right, wrong = np.array([1.0, 1.0, 1.0, 0.0]), np.zeros(4)
    low, high = paired_bootstrap(4, lambda rows: float((right[rows] - wrong[rows]).mean()), resamples=500, seed=0)
    assert (low, high) == (0.25, 1.0)  # of four draws with three in four right, 5% hold at most one and 32% all four
    only_last = paired_bootstrap(4, lambda rows: 1.0 if 3 in rows else float("nan"), resamples=20, seed=0)
    assert only_last == (1.0, 1.0)


def test_the_calibration_error_is_weighted_by_rows() -> None:
    confidence = np.array([0.5, 0.5, 0.9])
    right = np.array([True, True, False])  # in one bin each: 0.5 against 1, twice, 0.9 against 0
    assert expected_calibration_error(confidence, right, bins=3) == pytest.approx((0.5 + 0.5 + 0.9) / 3)
    assert expected_calibration_error(confidence, right, bins=1) == pytest.approx(abs(1.9 / 3 - 2 / 3))
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)))
