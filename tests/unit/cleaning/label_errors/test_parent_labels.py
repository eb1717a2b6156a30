from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.noise.wrong_share import ErrorRate
from tilth.cleaning.label_errors.parent_labels import Child, right_by_children, summed_by_parent
from tilth.samples import Task

AREA, INTENT = TASKS
FRAME = pd.DataFrame(
    [
        ("gold", None, None),  # the first row takes no part
        ("under its area", "billing", "refund"),
        ("under the other area", "network", "refund"),
        ("no intent", "billing", None),
        ("nobody knows", "network", "slow"),
        ("wrong in both", "network", "outage"),
    ],
    columns=["text", "area_given", "intent_given"],
)
ROWS = np.arange(1, 6)


def verdict(wrong: list[float], name: str = TWO_VIEWS) -> Verdict:
    return Verdict(
        issue=np.array(wrong) > 0.5,
        wrong=np.array(wrong),
        probabilities=np.full((len(wrong), 2), 0.5),
        name=name,
        rate=ErrorRate(share=0.6, low=0.2, high=0.8),
        measured={},
        injected=0,
    )


def child(right: list[float]) -> Child:
    return Child(task=INTENT, probabilities=np.full((6, 3), 1 / 3), right=np.array(right))


def test_a_label_is_as_likely_right_as_the_childs_under_it() -> None:
    right = child([np.nan, 0.9, 0.9, 0.9, np.nan, 0.05])
    found = right_by_children(verdict([0.8, 0.8, 0.8, 0.8, 0.8]), FRAME, AREA, ROWS, [right], LabelErrorsConfig())
    assert found.wrong == pytest.approx([0.1, 0.8, 0.8, 0.8, 0.8])
    assert found.issue.tolist() == [False, True, True, True, True]
    assert found.rate is not None
    assert found.rate.share == pytest.approx(0.6 * 3.3 / 4.0)
    assert found.rate.low == pytest.approx(0.2 * 3.3 / 4.0)
    assert found.measured[TWO_VIEWS].precision == 0.8


def test_what_is_surer_already_stays_as_it_is() -> None:
    right = child([np.nan, 0.3, 0.3, 0.3, 0.3, 0.3])
    found = right_by_children(verdict([0.1] * 5), FRAME, AREA, ROWS, [right], LabelErrorsConfig())
    assert found.wrong.tolist() == [0.1] * 5


def test_a_verdict_that_is_no_probability_stays() -> None:
    before = verdict([0.8] * 5, name="joint margin")
    assert right_by_children(before, FRAME, AREA, ROWS, [child([1.0] * 6)], LabelErrorsConfig()) is before


def test_a_childs_label_of_several_parents_says_nothing_of_one() -> None:
    both = Task(name="intent", labels=INTENT.labels, parent="area", parents_of={"refund": ("billing", "network")})
    one = Child(task=both, probabilities=np.full((6, 3), 1 / 3), right=np.full(6, 0.99))
    found = right_by_children(verdict([0.8] * 5), FRAME, AREA, ROWS, [one], LabelErrorsConfig())
    assert found.wrong.tolist() == [0.8] * 5


def test_probabilities_are_summed_up_by_parent() -> None:
    probabilities = np.array([[0.5, 0.2, 0.3], [np.nan] * 3])
    one = Child(task=INTENT, probabilities=probabilities, right=np.ones(2))
    assert summed_by_parent(AREA, [one])[0] == pytest.approx([0.5, 0.5])
    assert np.isnan(summed_by_parent(AREA, [one])[1]).all()
