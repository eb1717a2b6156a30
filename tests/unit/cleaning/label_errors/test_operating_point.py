from __future__ import annotations

import numpy as np
import pytest

from tilth.cleaning.label_errors.operating_point import choose_cut, curve, precision_interval

WRONG = np.array([0.1, 0.9, 0.4, 0.7])
"""2.1 wrong labels are expected. Precision of the likeliest 1, 2, 3, 4: 0.9, 0.8, 0.667, 0.525; recall 0.429, 0.762,
0.952, 1; F0.5: 0.738, 0.792, 0.709, 0.580; F1: 0.581, 0.780, 0.784, 0.689; F2: 0.479, 0.769, 0.877, 0.847."""


@pytest.mark.parametrize(
    ("prefer", "flagged"),
    [("precision", [1, 3]), ("balanced", [1, 2, 3]), ("recall", [1, 2, 3])],
)
def test_the_cut_is_where_the_expected_measure_is_largest(prefer: str, flagged: list[int]) -> None:
    issue, expected = choose_cut(WRONG, prefer)  # type: ignore[arg-type]
    assert np.flatnonzero(issue).tolist() == flagged
    share = WRONG[flagged].sum()
    assert (expected.precision, expected.recall) == pytest.approx((share / len(flagged), share / 2.1), abs=1e-4)


def test_nothing_is_flagged_that_is_not_precise_enough() -> None:
    assert not choose_cut(np.array([0.2, 0.1]), "balanced")[0].any()
    assert not choose_cut(WRONG, "recall", min_precision=0.95)[0].any()
    assert choose_cut(np.zeros(0), "balanced")[0].shape == (0,)


def test_the_curve_holds_each_cut_and_its_uncertainty() -> None:
    found = curve(WRONG, unsure=0.5)
    assert found["flagged"] == [0.25, 0.5, 0.75, 1.0]
    assert found["precision"] == [0.9, 0.8, 0.6667, 0.525]
    assert found["recall"] == [0.4286, 0.7619, 0.9524, 1.0]
    # The likeliest one has odds of 9; two standard deviations of 0.5 either way.
    odds = 9 * np.exp([-0.98, 0.98])
    assert [found["precision_low"][0], found["precision_high"][0]] == pytest.approx(odds / (1 + odds), abs=1e-4)
    assert all(
        low <= middle <= high
        for low, middle, high in zip(*(found[f"recall{end}"] for end in ("_low", "", "_high")), strict=True)
    )


def test_the_precision_of_what_is_flagged_has_an_interval() -> None:
    found = precision_interval(WRONG, np.array([False, True, False, False]), unsure=0.5)
    odds = 9 * np.exp([-0.98, 0.98])
    assert found == pytest.approx(odds / (1 + odds))
    assert precision_interval(WRONG, np.zeros(4, dtype=bool), unsure=0.5) == (0.0, 1.0)


def test_a_curve_of_clean_labels_is_empty() -> None:
    assert curve(np.full(5, 0.01), unsure=1.0)["flagged"] == []
