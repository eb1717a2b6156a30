from __future__ import annotations

import math

import numpy as np
import pytest

from tilth.training.export import Scope, log_certainty


def test_the_score_adds_both_measures_in_standard_deviations() -> None:
    scope = Scope(certainty=(-1.0, 0.5), nearest=(0.6, 0.2))
    found = scope.score(np.array([-1.0, -2.0]), np.array([0.6, 0.8]))
    assert found.tolist() == pytest.approx([0.5, 1 / (1 + math.exp(2 - 1))])


def test_a_share_of_the_held_out_rows_is_rejected() -> None:
    certainty, nearest = np.linspace(-2, 0, 101), np.linspace(0.2, 0.9, 101)
    scope = Scope.fit(certainty, nearest, reject_share=0.1, reject_below=None)
    assert int((scope.score(certainty, nearest) < scope.reject_below).sum()) == 10
    assert Scope.fit(certainty, nearest, reject_share=0, reject_below=None).reject_below == 0
    assert Scope.fit(certainty, nearest, reject_share=0.1, reject_below=0.3).reject_below == 0.3
    assert Scope.from_json(scope.to_json()) == scope


def test_few_held_out_rows_reject_nothing() -> None:
    assert Scope.fit(np.zeros(49), np.zeros(49), reject_share=0.5, reject_below=None) == Scope()


def test_rows_that_are_all_alike_have_a_score() -> None:
    scope = Scope.fit(np.zeros(60), np.ones(60), reject_share=0.02, reject_below=None)
    assert scope.score(np.array([0.0]), np.array([1.0])).tolist() == [0.5]


def test_views_that_are_sure_of_different_classes_are_not_certain() -> None:
    agree, differ = np.log(np.array([[0.9, 0.1]])), 0.5 * np.log(np.array([[0.9, 0.1]])) + 0.5 * np.log([[0.1, 0.9]])
    assert log_certainty([agree])[0] == pytest.approx(math.log(0.9))
    assert log_certainty([differ])[0] == pytest.approx(0.5 * math.log(0.09))
    assert log_certainty([agree, differ])[0] == pytest.approx((math.log(0.9) + 0.5 * math.log(0.09)) / 2)
