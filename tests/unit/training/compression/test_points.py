from __future__ import annotations

import numpy as np
import pytest

from tilth.training.compression.points import Estimate, estimate_points, one_hot, pooled


def test_a_flip_costs_what_the_full_model_thinks_of_both_answers() -> None:
    """Four rows, two classes, all as the full model answers; then the last, of 0.7 and 0.3, is answered otherwise.

    Expected F1 before: 2 * 1.8 / (2 + 2.2) and 2 * 1.6 / (2 + 1.8); after: 2 * 2.1 / (3 + 2.2) and 2 * 0.9 / (1 + 1.8).
    """
    truth = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.3, 0.7]])
    full, other = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    found = estimate_points([truth], [full], [other])
    before, after = (3.6 / 4.2 + 3.2 / 3.8) / 2, (4.2 / 5.2 + 1.8 / 2.8) / 2
    assert found.value == pytest.approx(100 * (before - after))
    assert estimate_points([truth, truth], [full, full], [other, full]).value == pytest.approx(found.value / 2)


def test_without_a_flip_as_many_rows_as_there_are_say_how_sure_that_is() -> None:
    codes = np.array([0, 1] * 50)
    truth = one_hot(np.where(np.arange(100) < 80, codes, -1), 2)  # a fifth has no label
    found = estimate_points([truth], [codes], [codes])
    assert found.value == 0
    assert found.error == pytest.approx(100 / 80)
    assert found.interval == pytest.approx((-2.45, 2.45))


def test_an_answer_of_no_class_is_wrong() -> None:
    truth = one_hot(np.array([0, 0, 1]), 2)
    found = estimate_points([truth], [np.array([0, 0, 1])], [np.array([0, -1, 1])])
    assert found.value == pytest.approx(100 * (1 - (2 / 3 + 1) / 2))


def test_both_estimates_are_weighed_by_their_errors() -> None:
    """The second may be off by itself: an error of 5 for 3 and 4; weights of 1/25 each, and of half their variance."""
    found = pooled(Estimate(value=1.0, error=5.0), Estimate(value=4.0, error=3.0))
    assert found.value == pytest.approx(2.5)
    assert found.error == pytest.approx((25 / 2) ** 0.5)
