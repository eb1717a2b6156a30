from __future__ import annotations

import numpy as np
import pytest

from tilth.learn.probabilities import calibration
from tilth.learn.probabilities.calibration import apply_temperature, calibrate


def test_the_temperature_is_the_one_that_holds_by_hand() -> None:
    """A model that says 0.9 and is right on 70 of 100 needs ln(9) / ln(7 / 3)."""
    probabilities, codes = np.tile([0.9, 0.1], (100, 1)), np.array([0] * 70 + [1] * 30)
    temperature = calibrate(probabilities, codes)
    assert temperature == pytest.approx(np.log(9) / np.log(7 / 3), rel=0.01)
    assert apply_temperature(probabilities, temperature)[0] == pytest.approx([0.7, 0.3], abs=0.005)


def test_a_temperature_keeps_its_bounds_and_is_not_fitted_on_few() -> None:
    always = np.tile([0.6, 0.4], (50, 1))
    assert calibrate(always, np.zeros(50, dtype=int)) == pytest.approx(0.2, abs=0.01)
    assert calibrate(always, np.ones(50, dtype=int)) == pytest.approx(5, abs=0.05)
    assert calibrate(always[:19], np.ones(19, dtype=int)) == 1.0


def test_softening_by_hand() -> None:
    assert apply_temperature(np.array([[0.8, 0.2]]), 2.0)[0] == pytest.approx([2 / 3, 1 / 3])  # odds 4 become 2
    assert apply_temperature(np.array([[1.0, 0.0]]), 5.0).sum() == pytest.approx(1)
    assert apply_temperature(np.array([[0.8, 0.2]]), 2.0).dtype == np.float32


def test_a_temperature_of_many_rows_is_that_of_an_even_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=600)
    probabilities = rng.dirichlet(np.ones(3), size=600)
    probabilities[np.arange(600), codes] += 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    monkeypatch.setattr(calibration, "_MOST", 200)
    part = np.linspace(0, 599, 200).astype(int)
    assert calibration.calibrate(probabilities, codes) == calibration.calibrate(probabilities[part], codes[part])


def test_probabilities_change_alike_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    whole = calibration.apply_temperature(probabilities, 0.5)
    monkeypatch.setattr(calibration, "_BLOCK", 7)
    assert np.array_equal(calibration.apply_temperature(probabilities, 0.5), whole)
    assert whole[0] == pytest.approx(probabilities[0] ** 2 / (probabilities[0] ** 2).sum())
