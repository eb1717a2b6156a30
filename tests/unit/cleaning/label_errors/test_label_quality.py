from __future__ import annotations

import numpy as np
import pytest

from tilth.cleaning.label_errors.label_quality import (
    doubt,
    probability_wrong,
    spread_of,
    temperature_of_truth,
    training_weight,
    update_with_answers,
)
from tilth.cleaning.label_errors.noise import ErrorRate
from tilth.learn import apply_temperature


def test_doubt_is_the_log_odds_of_the_strongest_rival() -> None:
    even = np.array([[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6]])  # each class a third of all
    assert doubt(even, np.array([0, 0, 1])) == pytest.approx([np.log(0.3 / 0.6), np.log(0.6 / 0.1), np.log(0.6 / 0.1)])


def test_a_class_that_is_missed_is_a_stronger_rival_than_one_that_is_not() -> None:
    """300 rows look like the first class, 100 like the second; 20 of the 50 surest of these have the other's label.

    With 50 rows as usual (20 wrong of the 200 surer ones) each: 25 of 100 and 5 of 200 are wrong. The mean over all
    rows is 0.08125, so that the classes are wrong 3.08 and 0.31 times as often, of which a factor of 2.5 is left out.
    """
    first = np.repeat([0.9, 0.8, 0.2, 0.1], [150, 150, 50, 50])
    probabilities = np.stack([first, 1 - first], axis=1)
    codes = np.repeat([0, 1, 0, 1], [300, 50, 20, 30])
    even = np.log(probabilities[:, 1] / probabilities[:, 0])
    expected = np.where(codes == 0, 1, -1) * (even + np.log((0.25 / 0.08125 / 2.5) / (0.025 / 0.08125 * 2.5)))
    assert doubt(probabilities, codes) == pytest.approx(expected)


def test_the_mean_probability_is_the_share_of_wrong_labels() -> None:
    doubts = np.log([0.25, 1.0, 4.0])
    found = probability_wrong(doubts, 0.5)  # symmetrical: nothing is moved
    assert found == pytest.approx([0.2, 0.5, 0.8])
    assert probability_wrong(doubts, 0.1).mean() == pytest.approx(0.1)
    assert probability_wrong(doubts, 0.0) == pytest.approx([0, 0, 0], abs=1e-4)


def test_probabilities_of_labels_with_errors_are_sharpened_towards_those_of_the_truth() -> None:
    rng, rows = np.random.default_rng(0), 3000
    true = rng.dirichlet([0.3] * 3, rows)
    truth = np.array([rng.choice(3, p=one) for one in true])
    given = np.where(rng.random(rows) < 0.3, (truth + rng.integers(1, 3, rows)) % 3, truth)
    of_labels = 0.7 * true + 0.3 * (1 - true) / 2  # what a calibrated model of the labels says
    temperature = temperature_of_truth(of_labels, given, 0.3)
    assert temperature < 0.9
    sharpened = apply_temperature(of_labels, temperature)
    assert np.abs(sharpened - true).mean() < 0.8 * np.abs(of_labels - true).mean()
    assert temperature_of_truth(true, truth, 0.0) == pytest.approx(1, abs=0.03)  # no error, nothing to sharpen


def test_one_answer_moves_all_by_the_prior_and_the_odds() -> None:
    # One label at even odds is wrong. The most likely move solves: move / unsure^2 = 1 - expit(move); the slope stays.
    found = update_with_answers(np.array([0.5, 0.5]), np.array([0]), np.array([True]), unsure=1.0)
    move = 0.40105813754
    assert move == pytest.approx(1 - 1 / (1 + np.exp(-move)))
    assert found.quality == pytest.approx([0.0, 1 / (1 + np.exp(move))], abs=1e-6)


def test_twenty_answers_settle_whether_doubted_labels_are_wrong() -> None:
    rng = np.random.default_rng(0)
    quality = np.concatenate([rng.uniform(0.3, 0.7, 400), rng.uniform(0.95, 1, 3600)])
    suspects = np.argsort(quality)[:200:10]
    right = update_with_answers(quality, suspects, np.zeros(20, dtype=bool), unsure=1.5)
    wrong = update_with_answers(quality, suspects, np.ones(20, dtype=bool), unsure=1.5)
    before = 1 - quality.mean()
    assert right.high < before < wrong.share
    assert right.quality[suspects].tolist() == [1.0] * 20
    assert right.low <= right.share <= right.high
    assert wrong.quality[wrong.quality < 1].max() < 1
    unanswered = np.setdiff1d(np.arange(400), suspects)
    assert right.quality[unanswered].mean() > 0.8
    assert wrong.quality[unanswered].mean() < 0.2


def test_answers_narrow_the_interval_and_none_leave_the_estimate() -> None:
    rng = np.random.default_rng(0)
    quality = rng.beta(8, 1, 2000)
    wrong = rng.random(2000) < 1 - quality
    widths = []
    for count in (0, 20, 200):
        suspects = rng.choice(2000, count, replace=False)
        found = update_with_answers(quality, suspects, wrong[suspects])
        widths.append(found.high - found.low)
        assert found.low <= wrong.mean() <= found.high
    assert widths[0] > widths[1] > widths[2]
    nothing = np.zeros(0, dtype=int)
    assert update_with_answers(quality, nothing, nothing).quality == pytest.approx(quality)


@pytest.mark.parametrize(("suspects", "wrong"), [([0, 1], [True]), ([5], [True]), ([-1], [False])])
def test_answers_to_what_is_not_there_are_refused(suspects: list[int], wrong: list[bool]) -> None:
    with pytest.raises(ValueError, match="expected one answer a suspect"):
        update_with_answers(np.array([0.5, 0.5]), np.array(suspects), np.array(wrong))


@pytest.mark.parametrize("wrong", [False, True])
def test_answers_on_the_likeliest_suspects_alone_move_the_share_their_way(wrong: bool) -> None:
    odds = np.random.default_rng(0).normal(-2, 2.5, 2000)
    quality = 1 / (1 + np.exp(odds))
    suspects = np.argsort(quality)[:20]  # 99% likely to be wrong: all of them right says that the rest is, too
    found = update_with_answers(quality, suspects, np.full(20, wrong), unsure=1.0)
    before = float(1 - quality.mean())
    assert found.low <= found.share <= found.high
    assert (abs(found.share - before) < 0.03) if wrong else (found.share < before / 5 and found.high < before / 2)


def test_answers_tell_surer_labels_apart_where_none_seemed_wrong() -> None:
    odds = np.linspace(-14, -27, 2000)  # the surest of all are right by a trillion to one, the others by a million
    found = update_with_answers(1 / (1 + np.exp(odds)), np.arange(0, 80, 4), np.ones(20, dtype=bool), unsure=5.0)
    assert found.quality[-1] > 0.99
    assert found.share < 0.5


def test_labels_are_stretched_around_those_on_which_the_share_hangs() -> None:
    # Two labels at even odds: one is wrong, the other right. Neither the share nor the slope has a reason to move.
    quality = np.array([0.5, 0.5, 0.9, 0.1])
    found = update_with_answers(quality, np.array([0, 1]), np.array([True, False]), unsure=1.0)
    assert found.quality == pytest.approx([0.0, 1.0, 0.9, 0.1], abs=1e-6)


def test_a_spread_covers_the_interval_from_its_estimate_on() -> None:
    expected = (np.log(0.3 / 0.7) - np.log(0.05 / 0.95)) / 1.96  # the upper end is farther off than the lower
    assert spread_of(ErrorRate(share=0.05, low=0.02, high=0.3)) == pytest.approx(expected)
    assert spread_of(ErrorRate(share=0.1, low=0.1, high=0.1)) == 0.5


def test_labels_count_fully_only_where_hardly_any_may_be_wrong() -> None:
    wrong = np.array([0.02, 0.5, 0.9])
    narrow, wide = ErrorRate(share=0.2, low=0.12, high=0.3), ErrorRate(share=0.2, low=0.01, high=0.3)
    rare = ErrorRate(share=0.03, low=0.02, high=0.05)  # below 5%, and surely there
    assert training_weight(wrong, narrow).tolist() == pytest.approx([0.98, 0.5, 0.1])
    assert training_weight(wrong, rare).tolist() == pytest.approx([0.98, 0.5, 0.1])
    assert training_weight(wrong, None).tolist() == pytest.approx([0.98, 0.5, 0.1])
    found = training_weight(wrong, wide)
    assert (1 - found).mean() == pytest.approx(0.01, abs=1e-4)
    assert (np.diff(found) < 0).all()
