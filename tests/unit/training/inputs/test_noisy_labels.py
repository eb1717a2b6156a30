"""When many labels count as wrong, and how likely labels as they arrived are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tilth.samples import Task
from tilth.training.inputs.noisy_labels import NoisyLabels, noisy_labels

TASK = Task(name="t", labels=("a", "b", "c"))
TIMES = 25
"""How often each of the rows below stands in the table: as many labels as each of three classes must have."""
CODES = np.tile([0, 1, 2, -1, 1], TIMES)
FOLDS = np.arange(5 * TIMES) % 5


def table(weights: list[float], times: int = TIMES) -> pd.DataFrame:
    """Rows of five kinds: as given, corrected, answered by a person, set aside, and labeled by a model alone."""
    kinds = {
        "t_given": ["a", "a", "a", "b", None],
        "t_given_weight": weights,
        "t_origin": ["given", "corrected", "annotator", None, "propagated"],
    }
    return pd.DataFrame({name: times * values for name, values in kinds.items()})


def test_labels_as_they_arrived_and_what_a_person_said() -> None:
    found = noisy_labels(table([0.9, 0.1, 1.0, 0.0, np.nan]), TASK, CODES, FOLDS)
    assert found is not None
    assert found.codes[:5].tolist() == [0, 0, 2, -1, -1]  # the last two teach nothing, or nobody labeled them
    assert found.wrong == pytest.approx(1 / 3)  # the mean of 0.1, 0.9 and 0


@pytest.mark.parametrize("weights", [[0.9, 0.95, 1.0, 0.0, np.nan], [np.nan] * 5])
def test_few_wrong_labels_or_no_verdict_change_nothing(weights: list[float]) -> None:
    assert noisy_labels(table(weights), TASK, CODES, FOLDS) is None
    assert noisy_labels(table(weights).drop(columns="t_given_weight"), TASK, CODES, FOLDS) is None


def test_with_fewer_labels_a_class_heads_stay_loose() -> None:
    few = table([0.9, 0.1, 1.0, 0.0, np.nan], TIMES - 1)
    assert noisy_labels(few, TASK, CODES[: len(few)], FOLDS[: len(few)]) is None


def test_a_label_is_as_likely_as_its_class_and_the_errors_of_the_others() -> None:
    noisy = NoisyLabels(codes=np.array([0, 1, -1]), wrong=0.2, folds=np.zeros(3))
    found = noisy.likelihood(np.array([0, 1]), np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]))
    assert found == pytest.approx([0.8 * 0.5 + 0.2 * 0.5 / 2, 0.2 / 2])
