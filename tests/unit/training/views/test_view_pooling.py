from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilth.samples import Task
from tilth.training.fitting.mode_comparison import held_out_scores
from tilth.training.inputs.config import Config
from tilth.training.inputs.training_set import TrainingSet
from tilth.training.views import view_pooling
from tilth.training.views.view_pooling import WordingTrial, fit_wording

TASK = Task(name="intent", labels=("billing", "orders"))
ROWS = 300
TEXTS = [f"{'refund' if row % 2 else 'parcel'} number {row}" for row in range(ROWS)]
CODES = np.array([0 if row % 2 else 1 for row in range(ROWS)])


def training_set(held_out: int = 60, **changes: Any) -> TrainingSet:
    rows = np.arange(ROWS)
    values: dict[str, Any] = {
        "tasks": (TASK,),
        "codes": {"intent": CODES},
        "weights": {"intent": np.ones(ROWS)},
        "held_out": rows < held_out,
        "original": np.ones(ROWS, dtype=bool),
        "propagated": {"intent": np.zeros(ROWS, dtype=bool)},
        "out_of_fold": {"intent": SimpleNamespace(labeled=np.ones(ROWS, dtype=bool))},
    }
    return TrainingSet(**{**values, **changes})


def probabilities(right: float, rows: int = 60) -> dict[str, np.ndarray]:
    """By meaning, of the held-out rows: a share of them is right, at 0.7."""
    true = np.where(np.arange(rows) < right * rows, CODES[:rows], 1 - CODES[:rows])
    return {"intent": np.where(np.arange(2) == true[:, None], 0.7, 0.3)}


def test_wording_counts_where_held_out_rows_gain() -> None:
    wording = fit_wording(WordingTrial(TEXTS, training_set(), Config()), probabilities(0.75))
    fact = wording.facts["tasks"]["intent"]
    assert fact["kept"]
    assert fact["held_out"]["meaning"]["accuracy"] == 0.75
    assert fact["held_out"]["pooled"]["accuracy"] == 1.0
    unsure = {"intent": np.full((2, 2), 0.5)}
    for mixed in (wording.mix(["the refund", "my parcel"], unsure), wording.mix_held_out(["refund", "parcel"], unsure)):
        assert wording.normalized(mixed)["intent"].argmax(axis=1).tolist() == [0, 1]


def test_held_out_texts_are_read_once_for_however_many_models(monkeypatch: pytest.MonkeyPatch) -> None:
    wording, read = fit_wording(WordingTrial(TEXTS, training_set(), Config()), probabilities(0.75)), list[int]()
    logits = view_pooling._logits
    monkeypatch.setattr(view_pooling, "_logits", lambda of, texts: (read.append(len(texts)), logits(of, texts))[1])
    unsure = {"intent": np.full((2, 2), 0.5)}
    mixed = [wording.mix_held_out(texts, unsure)["intent"] for texts in (TEXTS[:2], TEXTS[:2], TEXTS[1:3])]
    assert read == [2, 2]
    assert np.array_equal(mixed[0], mixed[1])
    assert np.allclose(mixed[2][0], mixed[0][1])


def test_wording_is_left_out_where_nothing_is_gained() -> None:
    wording = fit_wording(WordingTrial(TEXTS, training_set(), Config()), probabilities(1.0))
    assert not wording.facts["tasks"]["intent"]["kept"]
    assert wording.packed is None
    meaning = {"intent": np.array([[0.9, 0.1]])}
    assert wording.normalized(wording.mix(["my parcel"], meaning))["intent"] == pytest.approx(meaning["intent"])


def test_wording_counts_where_labels_are_likelier_by_it_though_no_answer_changes() -> None:
    sure = np.where(np.arange(60) % 4 < 2, 0.95, 0.51)  # right every time, and unsure of half the rows
    meaning = np.where(np.arange(2) == CODES[:60, None], sure[:, None], 1 - sure[:, None])
    fact = fit_wording(WordingTrial(TEXTS, training_set(), Config()), {"intent": meaning}).facts["tasks"]["intent"]
    assert fact["gain"] == 0
    assert fact["kept"]


@pytest.mark.parametrize(("mode", "score"), [("never", 0.75), ("auto", 1.0)])
def test_encoders_are_compared_with_the_wording_that_is_exported_beside_them(mode: Any, score: float) -> None:
    def head(right: float) -> Any:
        return SimpleNamespace(task=TASK, probabilities=lambda _: probabilities(right)["intent"])

    vectors, rows = np.zeros((ROWS, 2)), training_set()
    trial: Any = SimpleNamespace(frozen_heads=[head(0.75)], tuned_heads=[head(0.9)], embeddings=vectors)
    found = held_out_scores(rows, vectors, trial, WordingTrial(TEXTS, rows, Config(wording=mode)))
    assert found["frozen"]["intent"]["accuracy"] == score
    assert found["tuned"]["intent"]["accuracy"] == max(score, 0.9)


@pytest.mark.parametrize(("mode", "kept"), [("auto", False), ("always", True)])
def test_few_held_out_rows_choose_nothing(mode: Any, kept: bool) -> None:
    wording = fit_wording(WordingTrial(TEXTS, training_set(held_out=49), Config(wording=mode)), probabilities(0.5, 49))
    assert wording.facts["tasks"]["intent"]["kept"] is kept
    assert "49 held-out rows" in wording.facts["tasks"]["intent"]["why"]


def test_never_fits_nothing() -> None:
    assert fit_wording(WordingTrial(TEXTS, training_set(), Config(wording="never")), {}).packed is None


def test_propagated_labels_teach_no_wording() -> None:
    wrong = np.arange(ROWS) >= 100
    rows = training_set(
        codes={"intent": np.where(wrong, 1 - CODES, CODES)}, propagated={"intent": wrong}
    )  # they would turn every answer round
    wording = fit_wording(WordingTrial(TEXTS, rows, Config()), probabilities(0.75))
    unsure = {"intent": np.full((1, 2), 0.5)}
    assert wording.mix(["the refund"], unsure)["intent"].argmax() == 0


def test_the_same_rows_give_the_same_heads() -> None:
    one, other = (fit_wording(WordingTrial(TEXTS, training_set(), Config()), probabilities(0.75)) for _ in range(2))
    assert one.packed is not None
    assert other.packed is not None
    assert np.array_equal(one.packed.heads["intent"].packed, other.packed.heads["intent"].packed)


def test_labels_in_doubt_soften_what_both_views_say() -> None:
    doubts: Any = {"intent": SimpleNamespace(softening=lambda _: 2.0)}
    held_out = probabilities(0.75)
    sure = WordingTrial(TEXTS, training_set(), Config()).chosen(held_out)["intent"]
    soft = WordingTrial(TEXTS, training_set(doubts=doubts), Config()).chosen(held_out)["intent"]
    assert soft["temperature"] == pytest.approx(2 * sure["temperature"])
    assert soft["share"] == sure["share"]
