from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tilth.cleaning.label_errors.filter_selection import verdict_by_views
from tilth.cleaning.label_errors.models.two_views import TwoViews, three_accuracies
from tilth.cleaning.label_errors.noise.wrong_share import estimate_error_rate

ROWS, CLASSES = 4000, 4


def annotator(truth: np.ndarray, wrong: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The truth, but another class at random where it is wrong."""
    return np.where(wrong, (truth + rng.integers(1, CLASSES, len(truth))) % CLASSES, truth)


def as_probabilities(codes: np.ndarray, sure: np.ndarray) -> np.ndarray:
    found = np.repeat(((1 - sure) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    found[np.arange(len(codes)), codes] = sure
    return found


def world(label_errors: float, steep: float, seed: int = 0) -> tuple[TwoViews, np.ndarray, np.ndarray]:
    """Two views that err on hard rows, steeply, and labels that err anywhere; with the rows whose label is wrong."""
    rng = np.random.default_rng(seed)
    truth, hard = rng.integers(CLASSES, size=ROWS), rng.random(ROWS)
    evidence, centroids, wording = (annotator(truth, rng.random(ROWS) < steep * hard**3, rng) for _ in range(3))
    wrong = rng.random(ROWS) < label_errors
    sure = np.clip((1 - steep * hard**3) * (1 - label_errors), 0.3, 0.98)  # as often as the label is the predicted one
    views = [as_probabilities(one, sure) for one in (evidence, centroids, evidence, wording)]
    codes = annotator(truth, wrong, rng)
    return TwoViews.of(*views, codes), codes, wrong


def test_three_annotators_that_err_apart_show_how_often_each_errs() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=100_000)
    three = [annotator(truth, rng.random(len(truth)) < share, rng) for share in (0.1, 0.2, 0.3)]
    assert three_accuracies(three, CLASSES) == pytest.approx((0.9, 0.8, 0.7), abs=0.01)


def test_the_more_accurate_view_is_listened_to_more_though_the_other_has_learned_the_labels() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=ROWS)
    good, other, poor = (annotator(truth, rng.random(ROWS) < share, rng) for share in (0.05, 0.1, 0.4))
    one, two, wording = (as_probabilities(codes, np.full(ROWS, 0.7)) for codes in (good, other, poor))
    found = TwoViews.of(one, two, one, wording, codes=poor)  # an older model of words has labeled all rows
    meaning = found.meaning.argmax(axis=1)
    assert (found.pooled.argmax(axis=1) == meaning)[meaning != poor].all()
    # Odds of about 19 and 1.5: to the power 0.7, 7.9 and 1.3. Where both models of meaning agree against the words,
    # the log-odds of their class over the words' are (7.9 - 1.3) / 9.2 of those of a class that all give over the rest.
    apart, agreed = np.flatnonzero((good == other) & (good != poor)), np.flatnonzero((good == other) & (good == poor))
    against = np.log(found.pooled[apart, good[apart]] / found.pooled[apart, poor[apart]])
    whole = np.log(found.pooled[agreed, good[agreed]] / found.pooled[agreed, (good[agreed] + 1) % CLASSES])
    assert against == pytest.approx(6.6 / 9.2 * whole[0], rel=0.1)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_the_share_of_wrong_labels_is_estimated_though_models_err_together(share: float) -> None:
    views, codes, wrong = world(share, steep=0.5)
    rate = estimate_error_rate(views, codes)
    assert rate.share == pytest.approx(wrong.mean(), abs=0.04)
    assert rate.low <= wrong.mean() <= rate.high


def test_clean_labels_are_left_alone() -> None:
    views, codes, _ = world(0.0, steep=0.5)
    verdict = verdict_by_views(codes, views, "balanced")
    assert verdict.rate is not None
    assert verdict.rate.low == 0
    assert verdict.rate.share < 0.03
    assert verdict.issue.mean() < 0.03


def test_wrong_labels_are_flagged_and_their_probability_is_right() -> None:
    views, codes, wrong = world(0.2, steep=0.5)
    verdict = verdict_by_views(codes, views, "balanced")
    precision, recall = wrong[verdict.issue].mean(), verdict.issue[wrong].mean()
    assert precision > 0.75
    assert recall > 0.85
    measured = verdict.measured["two views"]
    assert 0.6 < measured.precision < precision + 0.05  # no more is promised than is kept
    assert 0.6 < measured.recall < recall + 0.05
    assert verdict.wrong.mean() == pytest.approx(wrong.mean(), abs=0.04)


def test_what_models_err_on_for_want_of_rows_is_no_error_of_the_labels() -> None:
    views, codes, _ = world(0.2, steep=0.5)
    before, after = (estimate_error_rate(replace(views, for_want_of_rows=want), codes) for want in (0.0, 0.08))
    assert after.share == pytest.approx(before.share - 0.08)
    assert after.low == pytest.approx(before.low - 0.08, abs=0.01)
    assert estimate_error_rate(replace(views, for_want_of_rows=0.9), codes).low == 0


def labeled_by_a_model(learned: tuple[float, float, float]) -> tuple[TwoViews, np.ndarray, np.ndarray]:
    """Labels that err on hard rows, which views learn: so many of the errors the evidence, the centroids, the words."""
    rng = np.random.default_rng(0)
    truth, hard, like_words = rng.integers(CLASSES, size=ROWS), rng.random(ROWS), rng.random(ROWS)
    wrong = rng.random(ROWS) < 0.9 * hard**3
    codes = annotator(truth, wrong, rng)
    evidence, centroids, wording = (
        np.where(wrong & (like_words < share), codes, annotator(truth, rng.random(ROWS) < steep * hard**3, rng))
        for share, steep in zip(learned, (0.1, 0.2, 0.3), strict=True)
    )
    sure = np.clip(1 - 0.7 * hard**3, 0.3, 0.98)
    views = [as_probabilities(one, sure) for one in (evidence, centroids, evidence, wording)]
    return TwoViews.of(*views, codes), codes, wrong


def test_errors_on_hard_rows_are_the_labels_where_these_follow_words() -> None:
    views, codes, wrong = labeled_by_a_model(learned=(0.35, 0.2, 0.5))
    of_words = estimate_error_rate(views, codes)
    assert 0.65 * wrong.mean() < of_words.share < wrong.mean()  # what all views have learned nobody sees
    assert of_words.low <= wrong.mean() <= of_words.high
    for learned in ((0.35, 0.35, 0.35), (0.5, 0.2, 0.35)):  # words have learned no more than the others
        views, codes, wrong = labeled_by_a_model(learned)
        assert estimate_error_rate(views, codes).share < 0.4 * wrong.mean()


def test_words_that_know_more_than_the_embeddings_make_no_label_wrong() -> None:
    rng = np.random.default_rng(0)
    truth, hard = rng.integers(CLASSES, size=ROWS), rng.random(ROWS)
    of_embeddings = annotator(truth, rng.random(ROWS) < 0.7 * hard**3, rng)
    evidence, centroids = (np.where(rng.random(ROWS) < 0.8, of_embeddings, truth) for _ in range(2))  # err together
    wording = annotator(truth, rng.random(ROWS) < 0.05 * hard**3, rng)
    sure = np.clip(1 - 0.7 * hard**3, 0.3, 0.98)
    views = TwoViews.of(*(as_probabilities(one, sure) for one in (evidence, centroids, evidence, wording)), truth)
    assert estimate_error_rate(views, truth).share < 0.05


def test_few_rows_have_a_rate_too() -> None:
    views, codes, _ = world(0.2, steep=0.5)
    few = TwoViews(**{name: found[:40] for name, found in vars(views).items() if isinstance(found, np.ndarray)})
    rate = estimate_error_rate(few, codes[:40])
    assert 0 <= rate.low <= rate.share <= rate.high <= 1
