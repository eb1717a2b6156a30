from __future__ import annotations

import numpy as np
import pytest

from tilth.augmentation.diffusion.denoiser import Denoiser
from tilth.augmentation.diffusion.held_out import HeldOut, Losses, record_of, within_limit
from tilth.augmentation.diffusion.loss_groups import LossGroups
from tilth.augmentation.diffusion.training_data import unpaired_examples
from tilth.augmentation.diffusion.training_loop import example_losses, heldout_loss

TEXTS = [[2073, 2003, 2026, 4003], [2129, 2079, 1045], [2073, 2003, 2026, 2769, 2129]]
LOSSES = Losses(np.array([6.0, 40.0, 9.0]), np.array([3.0, 8.0, 2.0]), np.array([True, True, False]))


def test_losses_by_group_by_hand() -> None:
    np.testing.assert_array_equal(LOSSES.groups, [2.0, 5.0, np.nan])
    assert LOSSES.mean(np.array([True, True, False])) == round(46 / 11, 4)
    assert LOSSES.mean(np.zeros(3, dtype=bool)) == round(55 / 13, 4)  # of none that is wanted: all
    assert LOSSES.hopeless(4.0, 0.5).tolist() == [False, True, False]  # too few texts say nothing against a group
    assert LOSSES.hopeless(4.0, np.array([0.0, 1.0, 0.0])).tolist() == [False, False, False]


def test_the_losses_of_examples_add_up_to_the_mean(denoiser: Denoiser) -> None:
    examples = unpaired_examples(TEXTS, np.arange(3))
    totals, tokens = example_losses(denoiser, examples, 0)
    assert (tokens > 0).all()
    assert totals.sum() / tokens.sum() == pytest.approx(heldout_loss(denoiser, examples, 0))
    turned, _ = example_losses(denoiser, examples.take(np.array([2, 0, 1])), 0)  # noised by length, so equally
    assert turned.tolist() == pytest.approx(totals[[2, 0, 1]].tolist())


def test_each_group_is_measured_by_its_own_texts_alone(denoiser: Denoiser) -> None:
    examples = unpaired_examples(TEXTS, np.repeat(np.arange(3), 12))
    held_out = HeldOut(examples, LossGroups("channel", ("chat", "widget", "others")), np.array([1, 0, 1]), seed=0)
    losses = held_out(denoiser)
    assert losses.known.tolist() == [True, True, False]
    alone = HeldOut(held_out.of_groups(examples, np.array([False, True, False])), held_out.groups, held_out.codes, 0)
    assert set(alone.examples.target) == {0, 2}  # type: ignore[union-attr]
    assert np.isnan(alone(denoiser).groups[0])
    assert losses.groups[1] == pytest.approx(alone(denoiser).groups[1], abs=0.3)  # other noise


def test_the_record_says_which_groups_are_good_enough() -> None:
    held_out = HeldOut(None, LossGroups("channel", ("a", "b", "others")), np.zeros(1, dtype=np.int64), seed=0)
    record = record_of(held_out, LOSSES, LOSSES)
    assert record["losses"] == [2.0, 5.0, None]
    assert within_limit(record, 3.0, 4.0).tolist() == [True, False, False]
    assert within_limit(None, 3.9, 4.0).tolist() == [True]  # a record from before there were groups
    assert within_limit(None, None, 4.0).tolist() == [False]
