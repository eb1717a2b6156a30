from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, make_table
from tilth import samples as table
from tilth.active_learning.learning_curve import Forecast, _extrapolated, forecast


def test_a_power_law_is_carried_on_exactly() -> None:
    """Losses 1/sqrt(n): at 400 labels 0.05 are lost, at 500 0.0447, so that 100 more bring 0.53 points."""
    sizes = np.array([[100.0, 200.0, 400.0]] * 3)
    found = _extrapolated(sizes, 1 - sizes**-0.5, labels=400)
    assert found is not None
    expected = 100 * (400**-0.5 - 500**-0.5)
    assert (found.points, found.low, found.high) == pytest.approx((expected, expected, expected))
    assert found.sizes == (100, 200, 400)
    assert found.sentence == "another 100 labels: +0.5 points expected (+0.5 to +0.5)"


def test_a_flat_curve_says_that_it_is_time_to_stop() -> None:
    flat = Forecast(points=0.1, low=-0.2, high=0.4, sizes=(1, 2, 4), macro_f1=(0.9, 0.9, 0.9))
    assert flat.sentence.endswith("(-0.2 to +0.4); the curve is flat, within its error")


def rows(count: int) -> pd.DataFrame:
    made = [(f"r{i}", f"text {i}", "train", "network", ("slow", "outage")[i % 2]) for i in range(count)]
    made += [(f"g{i}", f"gold {i}", "gold", "network", "slow") for i in range(40)]
    return table.to_pandas(make_table(made))


def test_it_is_measured_on_other_folds_and_never_on_gold() -> None:
    """The vectors tell the classes apart, so that nothing is left to gain; of gold rows they tell the contrary."""
    frame = rows(60)
    code = np.where(frame["intent_given"].eq("slow"), 1.0, -1.0) * np.where(frame["split"].eq("gold"), -1, 1)
    vectors = np.column_stack([code, np.ones(len(code))]).astype(np.float32)
    found = forecast(vectors, frame, TASKS[1], np.arange(len(frame)) // 2 % 5)
    assert found is not None
    assert found.macro_f1[-1] == 1.0
    assert found.points == pytest.approx(0, abs=0.05)


def test_of_too_few_labels_there_is_none() -> None:
    frame = rows(20)
    assert forecast(np.ones((len(frame), 2), np.float32), frame, TASKS[1], np.zeros(len(frame), int)) is None
