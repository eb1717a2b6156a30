"""How far pictures count beside texts: by rows that neither learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.training.views.test_view_pooling import CODES, ROWS, TASK, training_set
from tilth.learn import OutOfFold
from tilth.training.inputs.config import Config
from tilth.training.inputs.row_pictures import PictureRows
from tilth.training.views.picture_view import cross_validated, fit_pictures

SHOWN = np.eye(2, dtype=np.float32)[CODES]
"""Vectors of pictures that show the class."""
MUTE = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (ROWS, 1))


def rows(vectors: np.ndarray = SHOWN, **changes: Any) -> PictureRows:
    every = np.ones(ROWS, dtype=bool)
    values: dict[str, Any] = {
        "vectors": vectors,
        "there": every,
        "has_text": every,
        "codes": {"intent": CODES},
        "settled": {"intent": every},
        "weights": {"intent": np.ones(ROWS)},
        "folds": np.arange(ROWS) // 2 % 5,
    }
    return PictureRows(**{**values, **changes})


def out_of_fold(right: float) -> dict[str, OutOfFold]:
    """What probes of the texts say: of each class a share of the rows is right, at 0.7."""
    said = np.where(np.arange(ROWS) // 2 % 10 < 10 * right, CODES, 1 - CODES)
    probabilities = np.where(np.arange(2) == said[:, None], 0.7, 0.3).astype(np.float32)
    return {"intent": OutOfFold(probabilities=probabilities, labeled=np.ones(ROWS, dtype=bool), temperature=1.0)}


def fitted(shown: PictureRows | None, right: float, *, frozen: bool = True, **config: Any) -> Any:
    texts = training_set(out_of_fold=out_of_fold(right))
    by_text = {"intent": out_of_fold(right)["intent"].probabilities[:60]}
    return fit_pictures(shown, texts, by_text, Config(**config), text_is_frozen={"intent": frozen}, seed=0)


@pytest.mark.parametrize(("frozen", "measured"), [(True, ROWS), (False, 60)])
def test_pictures_count_where_rows_gain(frozen: bool, measured: int) -> None:
    view = fitted(rows(), 0.6, frozen=frozen)
    fact = view.facts["tasks"]["intent"]
    assert fact["kept"]
    assert fact["held_out_rows"] == measured  # a trained text side is measured by the held-out fifth alone
    assert fact["held_out"]["pooled"]["accuracy"] == 1.0
    assert view.packed.heads["intent"].share > 0
    texts = {"intent": np.array([[0.6, 0.4], [0.6, 0.4]], dtype=np.float32)}
    seen = replace(rows().seen, vectors=SHOWN[:2], has_picture=np.array([True, False]), has_text=np.ones(2, bool))
    pooled = view.packed.pool(texts, seen)["intent"]
    assert pooled.argmax(axis=1).tolist() == [CODES[0], 0]
    assert np.allclose(pooled[1], [0.6, 0.4])  # a text alone is answered as without pictures


def test_of_few_rows_pictures_that_show_something_count_as_they_do_elsewhere() -> None:
    """24 rows have both: all of their texts are right, so that the rows themselves ask for no picture."""
    few = rows(has_text=np.arange(ROWS) < 24)
    fact = fitted(few, 1.0).facts["tasks"]["intent"]
    assert fact["held_out_rows"] == 24
    assert fact["picture_nats"] == pytest.approx(24 * np.log(2), rel=0.05)  # they show the class, of two alike
    assert fact["kept"]


def test_pictures_that_say_nothing_do_not_count() -> None:
    view = fitted(rows(MUTE), 0.8)
    assert not view.facts["tasks"]["intent"]["kept"]
    assert view.facts["tasks"]["intent"]["picture_nats"] < 1.92
    assert view.packed.heads["intent"].share == 0.0
    texts = {"intent": np.array([[0.9, 0.1]], dtype=np.float32)}
    one = replace(rows().seen, vectors=SHOWN[:1], has_picture=np.ones(1, bool), has_text=np.ones(1, bool))
    assert np.allclose(view.packed.pool(texts, one)["intent"], [[0.9, 0.1]])


def test_always_counts_them_and_never_fits_nothing() -> None:
    assert fitted(rows(MUTE), 0.8, pictures="always").facts["tasks"]["intent"]["kept"]
    assert fitted(None, 0.8, pictures="never").facts == {"why": 'pictures = "never"'}
    one_class = rows(codes={"intent": np.zeros(ROWS, dtype=int)})
    assert fitted(one_class, 0.8).packed is None


def test_rare_classes_of_pictures_count_for_more_where_macro_f1_gains() -> None:
    """One row in ten is of the rare class, and six in ten of its pictures also stand beside a common one."""
    rng = np.random.default_rng(0)
    codes = (np.arange(ROWS) % 10 == 0).astype(int)
    vectors = np.stack([np.ones(ROWS), codes + rng.normal(0, 0.6, ROWS)], axis=1).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    skewed = rows(
        vectors, codes={"intent": codes}, has_text=np.zeros(ROWS, dtype=bool), folds=np.arange(ROWS) // 10 % 5
    )
    auto, never = fitted(skewed, 0.5), fitted(skewed, 0.5, balance="never")
    fact = auto.facts["tasks"]["intent"]["balance"]
    assert fact["degree"] > 0
    assert fact["low"] > 0
    assert never.facts["tasks"]["intent"]["balance"]["degree"] == 0
    assert auto.macro_f1() > never.macro_f1() + fact["low"]
    # The head answers as its out-of-fold predictions do: more rows of the rare class, found by the same vectors.
    heads = [view.packed.heads["intent"] for view in (auto, never)]
    rare = [int((head.logits(vectors).argmax(axis=1) == 1).sum()) for head in heads]
    assert rare[0] > rare[1]
    assert rare[0] == pytest.approx((auto.held_out["intent"].predicted == 1).sum(), rel=0.15)


def test_few_rows_of_both_choose_nothing() -> None:
    few = rows(has_text=np.arange(ROWS) < 19)
    fact = fitted(few, 0.6).facts["tasks"]["intent"]
    assert "19 labeled rows with text and picture" in fact["why"]
    assert not fact["kept"]


def test_a_picture_alone_is_measured_beside_texts_and_is_out_of_scope_far_from_what_was_shown() -> None:
    alone = np.arange(ROWS) >= 200
    view = fitted(rows(has_text=~alone), 0.5, reject_share=0.0, reject_below=0.2)
    texts = training_set(out_of_fold={"intent": replace(out_of_fold(0.5)["intent"], labeled=~alone)})
    truth, predicted = cross_validated(texts, view, TASK)
    assert len(truth) == ROWS
    assert (truth[200:] == predicted[200:]).all()
    seen = replace(
        view.rows.seen,
        vectors=np.array([[1, 0], [-1, -1], [-1, -1]], dtype=np.float32),
        has_picture=np.ones(3, bool),
        has_text=np.array([False, False, True]),
    )
    scores, outside = view.packed.scopes(np.full(3, 0.6), np.zeros(3, bool), seen)
    assert outside.tolist() == [False, True, False]  # the text beside the last one is in scope
    assert scores[2] == pytest.approx(0.6)
