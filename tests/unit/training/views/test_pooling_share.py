"""How far a second view counts, by hand-made views of two classes."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.samples import Task
from tilth.training.inputs import NoisyLabels
from tilth.training.views.pooling_share import Prior, choose_share, informative_nats, share_by_noisy

TASK = Task(name="intent", labels=("a", "b"))
SPLIT = np.array([0, 1] * 4)


def answers(probability: float, classes: np.ndarray = SPLIT) -> np.ndarray:
    """Each row's class with a probability."""
    return np.where(np.arange(2) == classes[:, None], probability, 1 - probability)


def test_a_prior_stands_where_rows_say_nothing_and_yields_to_many() -> None:
    """Both views give the same answers, so that every share is as likely; then the second is wrong, in 2,000 rows."""
    same = answers(0.7)
    by_rows = choose_share(TASK, SPLIT, same, np.log(same), ("one", "other"))
    by_prior = choose_share(TASK, SPLIT, same, np.log(same), ("one", "other"), prior=Prior(0.35, 0.15))
    assert by_prior["share"] == 0.35
    assert by_rows["held_out"]["pooled"] == by_prior["held_out"]["pooled"]
    random = np.random.default_rng(0)
    truth = random.integers(2, size=2000)
    first, second = (answers(0.7, np.where(random.random(2000) < right, truth, 1 - truth)) for right in (0.7, 0.5))
    many = choose_share(TASK, truth, first, np.log(second), ("one", "other"), prior=Prior(0.35, 0.15))
    assert many["share"] <= 0.1


def test_noisy_labels_find_the_better_view() -> None:
    """A fifth of 500 labels is wrong. One view is right on nine rows in ten, the other one on six."""
    random = np.random.default_rng(0)
    truth = random.integers(2, size=500)
    given = np.where(random.random(500) < 0.2, 1 - truth, truth)
    good, bad = (answers(right, np.where(random.random(500) < right, truth, 1 - truth)) for right in (0.9, 0.6))
    noisy, rows = NoisyLabels(codes=given, wrong=0.2, folds=np.zeros(500)), np.arange(500)
    share, nats = share_by_noisy(noisy, rows, bad, np.log(good))
    assert share >= 0.7
    assert nats > 20
    assert share_by_noisy(noisy, rows, good, np.log(bad))[0] <= 0.2


@pytest.mark.parametrize(("classes", "expected"), [(SPLIT, 8 * np.log(2)), (SPLIT[::-1], 0.0)])
def test_nats_beyond_the_shares_of_classes(classes: np.ndarray, expected: float) -> None:
    """Sure of the right one of two classes alike, of eight rows; or always wrong, which a temperature makes flat."""
    logits = np.log(answers(1 - 1e-9, classes))
    found = informative_nats(logits, SPLIT)
    assert found == pytest.approx(expected, abs=1e-3) if expected else found < 0
