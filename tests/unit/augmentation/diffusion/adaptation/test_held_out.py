from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tilth.augmentation.diffusion.adaptation.adaptation_corpus import AdaptationCorpus
from tilth.augmentation.diffusion.adaptation.held_out import HeldOut, Losses, hold_out, record_of, within_limit
from tilth.augmentation.diffusion.adaptation.loss_groups import LossGroups
from tilth.augmentation.diffusion.adaptation.training_data import unpaired_examples
from tilth.augmentation.diffusion.adaptation.training_loop import example_losses, heldout_loss
from tilth.augmentation.diffusion.denoiser import Denoiser

TEXTS = [[2073, 2003, 2026, 4003], [2129, 2079, 1045], [2073, 2003, 2026, 2769, 2129]]
NOTHING = np.zeros(0), np.zeros(0, dtype=np.int64)
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
    first, groups = example_losses(denoiser, examples, 0), LossGroups("channel", ("chat", "widget", "others"))
    held_out = HeldOut(examples, groups, np.array([1, 0, 1]), 0, first)
    losses = held_out(denoiser)
    assert losses.known.tolist() == [True, True, False]
    alone = HeldOut(held_out.of_groups(examples, np.array([False, True, False])), groups, held_out.codes, 0, first)
    assert set(alone.examples.target) == {0, 2}  # type: ignore[union-attr]
    assert np.isnan(alone(denoiser).groups[0])
    assert losses.groups[1] == pytest.approx(alone(denoiser).groups[1], abs=0.3)  # other noise


def test_the_record_says_which_groups_are_good_enough() -> None:
    held_out = HeldOut(None, LossGroups("channel", ("a", "b", "others")), np.zeros(1, dtype=np.int64), 0, NOTHING)
    record = record_of(held_out, LOSSES, LOSSES)
    assert record["losses"] == [2.0, 5.0, None]
    assert within_limit(record, 3.0, 4.0).tolist() == [True, False, False]
    assert within_limit(None, 3.9, 4.0).tolist() == [True]  # a record from before there were groups
    assert within_limit(None, None, 4.0).tolist() == [False]


def test_the_denoiser_that_found_the_groups_is_measured_once(
    denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [TEXTS[number % 3] for number in range(80)]
    rows = np.arange(80)
    frame = pd.DataFrame({"meta.channel": ["a", "b"] * 40})
    corpus = AdaptationCorpus((), rows, None, unpaired_examples(texts, rows), np.zeros(0, dtype=np.int64))
    held_out = hold_out(frame, np.eye(80, 4, dtype=np.float32), corpus, denoiser, 0)
    again = held_out(denoiser)
    np.testing.assert_array_equal(held_out.before.totals, again.totals)
    monkeypatch.setattr("tilth.augmentation.diffusion.adaptation.held_out.example_losses", None)
    assert held_out.before.tokens.sum() == again.tokens.sum() > 0


def test_without_held_out_text_no_group_is_known(denoiser: Denoiser) -> None:
    held_out = HeldOut(None, LossGroups("channel", ("a", "b")), np.zeros(1, dtype=np.int64), 0, NOTHING)
    assert held_out.before.mean(np.ones(2, dtype=bool)) is None
    assert np.isnan(held_out(denoiser).groups).all()
