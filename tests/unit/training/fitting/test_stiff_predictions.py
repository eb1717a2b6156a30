"""A task with noisy labels: what its predictions, the share of its wording and the choice of the encoder go by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilth.learn import Focus, OutOfFold
from tilth.samples import Task
from tilth.training.fitting import with_stiff_predictions
from tilth.training.fitting.mode_comparison import noisy_nats
from tilth.training.heads import fit_stiff_head
from tilth.training.inputs import Config, NoisyLabels, TrainingSet
from tilth.training.views import WordingTrial, fit_wording

TASK = Task(name="t", labels=("a", "b"))
ROWS = 300
RANDOM = np.random.default_rng(0)
TRUTH = np.arange(ROWS) % 2
GIVEN = np.where(RANDOM.random(ROWS) < 0.2, 1 - TRUTH, TRUTH)
FOLDS = np.arange(ROWS) // 2 % 5
TEXTS = [f"{'refund' if truth else 'parcel'} number {row}" for row, truth in enumerate(TRUTH)]
VECTORS = np.eye(2, dtype=np.float32)[np.where(RANDOM.random(ROWS) < 0.3, 1 - TRUTH, TRUTH)]
"""By which seven rows in ten can be told apart."""


def rows() -> TrainingSet:
    """Rows with a fifth of wrong labels, all of which are in force; loose predictions agree with every one."""
    none = np.zeros(ROWS, dtype=bool)
    agreed = np.where(np.arange(2) == GIVEN[:, None], 0.9, 0.1).astype(np.float32)
    return TrainingSet(
        tasks=(TASK,),
        codes={"t": GIVEN},
        weights={"t": np.ones(ROWS)},
        held_out=FOLDS == 0,
        original=~none,
        propagated={"t": none},
        out_of_fold={"t": OutOfFold(probabilities=agreed, labeled=~none, temperature=0.5)},
        focuses={"t": Focus()},
        noisy={"t": NoisyLabels(codes=GIVEN, wrong=0.2, folds=FOLDS)},
    )


def stiff() -> TrainingSet:
    """The same with predictions of the vectors."""
    night: Any = SimpleNamespace(evidence=SimpleNamespace(focused=lambda focus: VECTORS))
    return with_stiff_predictions(rows(), night)


def test_no_row_is_predicted_by_a_head_that_learned_its_label() -> None:
    found = stiff().out_of_fold["t"]
    assert (found.predicted == VECTORS.argmax(axis=1)).all()
    assert found.temperature == 1.0
    others = FOLDS != 3
    changed = np.where(FOLDS == 3, 1 - GIVEN, GIVEN)
    ones = np.ones(ROWS)
    before, after = (fit_stiff_head(TASK, VECTORS, codes, ones, FOLDS)[1] for codes in (GIVEN, changed))
    # What is taken of the shares is one number for all rows; the order within the fold is that of the other folds.
    assert np.corrcoef(before[~others, 1], after[~others, 1])[0, 1] == pytest.approx(1.0, abs=1e-3)


def test_the_wording_counts_by_the_labels_as_they_arrived() -> None:
    trial = WordingTrial(TEXTS, stiff(), Config())
    held_out = stiff().out_of_fold["t"].probabilities[FOLDS == 0]
    fact = fit_wording(trial, {"t": held_out}).facts["tasks"]["t"]
    assert fact["kept"]
    assert fact["share"] >= 0.5
    assert fact["likelihood_gain"] > 10


@pytest.mark.parametrize(("learned", "better"), [(TRUTH, True), (1 - TRUTH, False)])
def test_a_trained_encoder_is_held_against_the_labels_as_they_arrived(learned: np.ndarray, better: bool) -> None:
    night, vectors = stiff(), np.eye(2)[learned]
    tuned: Any = SimpleNamespace(task=TASK, probabilities=lambda seen: 0.05 + 0.9 * seen)
    trial: Any = SimpleNamespace(tuned_heads=[tuned], embeddings=vectors)
    found = noisy_nats(night, trial, WordingTrial(TEXTS, night, Config(wording="never")))["t"]
    assert found > 5 if better else found < -5
    without: Any = SimpleNamespace(**{**vars(night), "noisy": {}})
    assert noisy_nats(without, trial, WordingTrial(TEXTS, night, Config())) == {}
