from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tilth.augmentation.config import Config
from tilth.augmentation.proof import CandidatePool, CrossValidatedGain, Tuning, WordFeatures, cross_validate_gain
from tilth.augmentation.proof.views import BOTH, MEANING, TUNED, TUNED_BOTH
from tilth.augmentation.selection import (
    CandidateMeasures,
    Candidates,
    CrossFitting,
    GateConfig,
    LabelAgreementModels,
    fill_budgets,
    fit_label_agreement,
)
from tilth.learn.models.carried_probes import CarriedProbes
from tilth.samples import Reason, Task
from tilth.stage import TuningTexts
from tilth.store import Fits

TASK = Task(name="label", labels=("a", "b", "c", "d"))
CONFIG = Config(gate=GateConfig(agreement=0.0, changed=0.0, per_source=50))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def fitted(vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray) -> LabelAgreementModels:
    frame = pd.DataFrame({"label": [TASK.labels[code] for code in codes], "status": "active", "split": "train"})
    frame["source"], frame["label_reason"], frame["label_origin"] = "input", None, "given"
    probes = CarriedProbes(
        fits=Fits(),
        vectors=lambda: vectors,
        row_keys=np.arange(len(folds), dtype=np.uint64),
        learnable=np.ones(len(folds), dtype=bool),
        folds=folds,
        fold_count=int(folds.max()) + 1,
        basis={},
    )
    evidence: Any = SimpleNamespace(embeddings=lambda: vectors, folds=folds, probes=probes)
    return fit_label_agreement(frame, TASK, evidence)


def candidate_pool(
    parents: np.ndarray, vectors: np.ndarray, models: LabelAgreementModels, budget: int
) -> CandidatePool:
    count = len(parents)
    names = [("label", TASK.labels[models.codes[parent]]) for parent in parents]
    texts = [f"word{k} of its own{k}" for k in range(count)]
    candidates = Candidates(parents, texts, texts, ["{}"] * count, np.ones(count), names, np.full(count, -1))
    agreement, first = models.agreement(parents, vectors)
    ones = np.ones(count)
    measures = CandidateMeasures(ones, agreement, first, ones, ones, np.zeros(count, dtype=bool), ones)
    verdicts: list[Reason | None] = [None if right else Reason.LABEL_AGREEMENT for right in first]
    return CandidatePool(candidates, measures, verdicts, vectors, {("label", name): budget for name in TASK.labels})


def noise(seed: int) -> tuple[np.ndarray, LabelAgreementModels, CandidatePool]:
    """Rows and candidates of which no vector says anything about a label."""
    rng = np.random.default_rng(seed)
    rows, codes, folds = unit(rng.normal(size=(60, 24))), rng.integers(4, size=60), np.arange(60) % 5
    parents = np.repeat(np.arange(60), 12)
    models = fitted(rows, codes, folds)
    return rows, models, candidate_pool(parents, unit(rng.normal(size=(len(parents), 24))), models, 60)


def test_labels_that_are_held_out_choose_nothing() -> None:
    """Chosen by all labels, paraphrases of noise would seem to help predict them."""
    gains = []
    for seed in range(6):
        rows, models, pool = noise(seed)
        assert (
            fill_budgets(pool.candidates, pool.measures, pool.verdicts, pool.budgets, CONFIG.gate).count(None) > 60
        )  # the gate lets many of them through
        gain = cross_validate_gain(CrossFitting([models], rows, CONFIG.gate), pool, CONFIG.weights, seed)
        gains.append(gain.macro_f1_with - gain.macro_f1_without)
    assert abs(float(np.mean(gains))) < 0.04


def few(spread: float) -> tuple[np.ndarray, LabelAgreementModels, np.random.Generator, np.ndarray]:
    """Three rows a class around centers that they are far from."""
    rng = np.random.default_rng(0)
    centers, codes = unit(rng.normal(size=(4, 24))), np.repeat(np.arange(4), 5)
    rows = unit(centers[codes] + spread * unit(rng.normal(size=(20, 24))))
    return rows, fitted(rows, codes, np.arange(20) % 5), rng, centers


def test_paraphrases_that_say_more_of_their_class_help() -> None:
    rows, models, rng, centers = few(2.5)
    parents = np.repeat(np.arange(20), 6)
    vectors = unit(centers[models.codes[parents]] + 0.1 * rng.normal(size=(len(parents), 24)))
    gain = cross_validate_gain(
        CrossFitting([models], rows, CONFIG.gate), candidate_pool(parents, vectors, models, 30), CONFIG.weights, 0
    )
    assert gain.macro_f1_with > gain.macro_f1_without
    assert gain.weight in CONFIG.weights


def test_texts_of_another_class_are_rejected_in_cross_validation_too() -> None:
    rows, models, rng, centers = few(0.5)
    parents = np.repeat(np.arange(20), 3)
    vectors = unit(centers[(models.codes[parents] + 1) % 4] + 0.1 * rng.normal(size=(len(parents), 24)))
    gain = cross_validate_gain(
        CrossFitting([models], rows, CONFIG.gate), candidate_pool(parents, vectors, models, 30), CONFIG.weights, 0
    )
    assert gain.macro_f1_with == gain.macro_f1_without
    assert gain.interval == (0.0, 0.0)


def test_a_sources_label_is_predicted_without_its_own_part_and_the_held_out_one() -> None:
    """Of rows of noise one model agrees with some labels and not another: each counts where it may."""
    rows, models, _ = noise(1)
    cross_fitting = CrossFitting([models], rows, CONFIG.gate)
    sources = cross_fitting.agrees_without_any_part()
    assert sources.sum() > cross_fitting.agrees().sum()
    for part in cross_fitting.held_out_parts:
        probe = cross_fitting.refits[0].without(part)
        others = np.flatnonzero(models.folds != part)
        agrees = cross_fitting.agrees(part)[others]
        predicted = probe.probabilities(rows[others]).argmax(axis=1)
        assert not np.array_equal(predicted == models.codes[others], agrees)
        assert sources[others][agrees].all()


@pytest.mark.parametrize(("interval", "helps"), [((0.0, 0.1), True), ((-0.001, 0.1), False)])
def test_help_is_an_interval_that_does_not_reach_below_zero(interval: Sequence[float], helps: bool) -> None:
    assert CrossValidatedGain(0.5, 0.6, (interval[0], interval[1]), 1.0).helps is helps


@pytest.mark.parametrize(("folds", "possible"), [([0, 1, 2, 3], True), ([0, 0, 1, 1], False)])
def test_labels_whose_class_the_other_parts_lack_cannot_be_held_out(folds: list[int], possible: bool) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, 8)))
    models = fitted(vectors, np.array([0, 0, 1, 1]), np.array(folds))
    assert CrossFitting([models], vectors, GateConfig()).possible is possible


def test_what_is_in_a_held_out_rows_words_teaches_nothing_of_that_row() -> None:
    """Else a text that is next to a labeled row would seem to help, as it cannot help any row that has none."""
    gains = {}
    for same_row in (False, True):
        by_seed = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            codes, folds = np.arange(80) % 4, (np.arange(80) // 4) % 5
            rows = unit(np.eye(24)[codes] * 1.2 + rng.normal(size=(80, 24)))
            models = fitted(rows, codes, folds)
            parents = (np.arange(80) + 4) % 80  # same class, next fold
            pool = candidate_pool(parents, rows, models, 60)
            pool.candidates.template_row[:] = np.arange(80) if same_row else -1
            gain = cross_validate_gain(CrossFitting([models], rows, CONFIG.gate), pool, CONFIG.weights, seed)
            by_seed.append(gain.macro_f1_with - gain.macro_f1_without)
        gains[same_row] = float(np.mean(by_seed))
    assert gains[False] > 0.02
    assert gains[True] < gains[False] / 2


def worded(models: LabelAgreementModels, parents: np.ndarray) -> WordFeatures:
    """A word for each class, in its rows and in what is a paraphrase of them."""
    words = np.eye(4, dtype=np.float32)[models.codes]
    return WordFeatures(sparse.csr_matrix(words), sparse.csr_matrix(words[parents]))


def test_words_are_asked_where_they_tell_the_classes_apart_and_vectors_do_not() -> None:
    rows, models, pool = noise(0)
    cross_fitting = CrossFitting([models], rows, CONFIG.gate)
    words = worded(models, pool.candidates.parents)
    by_vectors = cross_validate_gain(cross_fitting, pool, CONFIG.weights, 0)
    by_both = cross_validate_gain(cross_fitting, pool, CONFIG.weights, 0, words)
    assert (by_vectors.view, by_both.view) == (MEANING, BOTH)
    assert by_vectors.macro_f1_without < 0.5 < by_both.macro_f1_without
    nothing = WordFeatures(sparse.csr_matrix((60, 4)), sparse.csr_matrix((len(pool.vectors), 4)))
    vectors_alone = unit(np.eye(24)[models.codes] + 0.01 * rows)
    sure = fitted(vectors_alone, models.codes, models.folds)
    fit = CrossFitting([sure], vectors_alone, CONFIG.gate)
    assert cross_validate_gain(fit, pool, CONFIG.weights, 0, nothing).view == MEANING


def test_the_gain_that_could_be_seen_is_half_of_the_interval() -> None:
    assert CrossValidatedGain(0.5, 0.5, (-0.006, 0.01), 1.0).visible == pytest.approx(0.008)


class _Trained:
    """A trained encoder that tells the classes apart, and what it was given."""

    def __init__(self, codes: np.ndarray, helped: bool) -> None:
        self.codes, self.helped, self.given = codes, helped, list[TuningTexts]()

    def __call__(self, given: TuningTexts) -> np.ndarray:
        """One direction a class for three quarters of the rows, and for all of them where it learned paraphrases."""
        self.given.append(given)
        rows = np.arange(len(given.texts)) % 60
        vectors = np.eye(24, dtype=np.float32)[given.codes["label"]]
        with_paraphrases = len(given.texts) > 60 and self.helped
        vectors[(rows % 4 == 0) & (not with_paraphrases)] = np.eye(24)[5]
        return vectors


@pytest.mark.parametrize("helped", [True, False])
def test_where_training_trains_the_encoder_that_one_is_asked(helped: bool) -> None:
    rows, models, pool = noise(0)
    trained = _Trained(models.codes, helped)
    cross_fitting = CrossFitting([models], rows, CONFIG.gate)
    tuning = Tuning(trained, [f"row {place}" for place in range(60)])
    gain = cross_validate_gain(cross_fitting, pool, (1.0, 0.33), 0, None, tuning)
    assert (gain.view, gain.weight) == (TUNED, 1.0)
    assert gain.helps is helped
    parts = len(cross_fitting.held_out_parts)
    without, with_paraphrases = trained.given[:parts], trained.given[parts:]
    assert len(without) == len(with_paraphrases) == parts  # each once
    for part, one in enumerate(without):
        assert one.texts == tuning.texts
        assert one.learned.tolist() == (cross_fitting.parts != part).tolist()
    for part, one in enumerate(with_paraphrases):
        learned = one.learned[60:]
        parents = [pool.candidates.parents[pool.candidates.texts.index(text)] for text in one.texts[60:]]
        assert learned.any()
        assert not (cross_fitting.parts[parents] == part)[learned].any()  # none of a row that is held out
        assert one.weights[60:][learned].min() > 0
        assert one.weights[60:][~learned].max(initial=0) == 0
        np.testing.assert_array_equal(one.codes["label"][60:], models.codes[parents])


def test_words_may_stand_beside_a_trained_encoder() -> None:
    rows, models, pool = noise(0)
    words = worded(models, pool.candidates.parents)
    tuning = Tuning(_Trained(models.codes, helped=True), [""] * 60)
    fit = CrossFitting([models], rows, CONFIG.gate)
    assert cross_validate_gain(fit, pool, CONFIG.weights, 0, words, tuning).view in (BOTH, TUNED_BOTH)
