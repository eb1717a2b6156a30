"""Rare classes: what is taken from the logits, and when."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tilth.learn import OutOfFold
from tilth.samples import Task
from tilth.training.fitting.head_fitting import fit_task_head
from tilth.training.heads import Head
from tilth.training.inputs.class_balance import balance_classes
from tilth.training.inputs.config import Config
from tilth.training.inputs.noisy_labels import NoisyLabels
from tilth.training.inputs.training_set import TrainingSet

TASK = Task(name="t", labels=("often", "rare", "never"))


def rows(codes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> TrainingSet:
    """Labeled rows with their out-of-fold predictions."""
    none = np.zeros(len(codes), dtype=bool)
    return TrainingSet(
        tasks=(TASK,),
        codes={"t": codes},
        weights={"t": np.ones(len(codes)) if weights is None else weights},
        held_out=none,
        original=~none,
        propagated={"t": none},
        out_of_fold={"t": OutOfFold(probabilities=probabilities, labeled=codes >= 0, temperature=0.5)},
    )


def long_tail(rare_probability: float) -> TrainingSet:
    """90 rows of one class and 10 of another, which the model gives this probability; one more row has no label."""
    codes = np.array([0] * 90 + [1] * 10 + [-1])
    of_rare = np.where(codes == 0, 0.05, rare_probability)
    return rows(codes, np.stack([1 - of_rare, of_rare, np.zeros(101)], axis=1).astype(np.float32))


def test_heads_of_noisy_labels_are_left_alone() -> None:
    """The same rows as below, which would gain: stiff heads are freed of the shares by themselves."""
    given = long_tail(0.4)
    labels = NoisyLabels(codes=given.codes["t"], wrong=0.2, folds=np.arange(101) % 5)
    found, facts = balance_classes(replace(given, noisy={"t": labels}), Config(), 0)
    assert (facts["t"]["degree"], dict(found.offsets)) == (0.0, {})
    assert "freed of the shares" in facts["t"]["why"]


def test_rare_classes_count_for_more_where_macro_f1_gains() -> None:
    """At half of ln(90 / 10) a probability of 0.4 is raised above a half, and 0.05 is not."""
    given = long_tail(0.4)
    found, facts = balance_classes(given, Config(), 0)
    fact = facts["t"]
    assert fact["degree"] == 0.25  # 0.4 / 0.6 * 9 ** 0.25 = 1.15
    assert fact["macro_f1"]["0"] == pytest.approx(90 / 190, abs=1e-4)  # 2 * 90 / (90 + 100), and 0
    assert fact["macro_f1"]["0.25"] == 1.0
    assert fact["low"] > 0
    expected = 0.25 * 0.5 * np.array([math.log(1.8), math.log(0.2), 0])  # in logits before the temperature of 0.5
    assert found.offsets["t"] == pytest.approx(expected)
    assert (found.out_of_fold["t"].predicted[:100] == given.codes["t"][:100]).all()
    odds = found.out_of_fold["t"].probabilities[95]
    temperature = found.out_of_fold["t"].temperature / 0.5
    assert math.log(odds[1] / odds[0]) * temperature == pytest.approx(math.log(0.4 / 0.6 * 9**0.25), abs=1e-4)
    assert not given.offsets


@pytest.mark.parametrize(
    ("given", "config", "degree", "why"),
    [
        (long_tail(0.6), Config(), 0.0, None),  # nothing to gain
        (long_tail(0.4), Config(balance="never"), 0.0, 'balance = "never"'),
        (long_tail(0.6), Config(balance="always"), 1.0, 'balance = "always"'),
        (
            rows(np.array([0, 0, 0, 1, 1]), np.full((5, 3), 1 / 3, dtype=np.float32)),
            Config(),
            0.0,
            "the largest class has fewer than 2 times the rows of the smallest",
        ),
        (
            rows(np.zeros(5, dtype=int), np.full((5, 3), 1 / 3, dtype=np.float32)),
            Config(),
            0.0,
            "the largest class has fewer than 2 times the rows of the smallest",
        ),
    ],
)
def test_nothing_is_taken_where_nothing_is_gained(
    given: TrainingSet, config: Config, degree: float, why: str | None
) -> None:
    found, facts = balance_classes(given, config, 0)
    assert facts["t"]["degree"] == degree
    assert facts["t"].get("why") == why
    assert ("t" in found.offsets) == bool(degree)
    if not degree:
        assert found.out_of_fold["t"] is given.out_of_fold["t"]


def test_every_head_is_fitted_with_the_offsets() -> None:
    rng = np.random.default_rng(0)
    codes = np.array([0] * 30 + [1] * 6)
    vectors = rng.normal(size=(36, 4)).astype(np.float32) + codes[:, None]
    given = rows(codes, np.full((36, 3), 1 / 3, dtype=np.float32))
    shifted = replace(given, offsets={"t": np.array([0.5, -0.7, 0.0])})
    plain, other = (fit_task_head(one, TASK, vectors, one.labeled) for one in (given, shifted))
    assert other.bias - plain.bias == pytest.approx([-0.5, 0.7, 0.0], abs=1e-6)
    assert np.array_equal(other.weight, plain.weight)


def test_offsets_come_before_the_temperature() -> None:
    head = Head(task=TASK, weight=np.zeros((3, 1), np.float32), bias=np.zeros(3, np.float32), temperature=0.5)
    assert head.shifted(np.array([1.0, 0.0, 0.0])).logits(np.zeros((1, 1)))[0] == pytest.approx([-2, 0, 0])
    assert head.shifted(None) is head
