"""Classes' names as labeled texts: which ones say something, and whether held-out labels are likelier by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import HashingEncoder
from tilth import samples as table
from tilth.learn import ClassTexts, Evidence, NamedClasses, class_texts, nearest
from tilth.learn.class_names import name_in_words
from tilth.learn.named_classes import AGREEMENT, FEW, FEWEST
from tilth.samples import Task
from tilth.store import Cache

COLORS = ("red", "green", "blue", "black")
THINGS = ("car", "hat", "box", "pen", "cup", "tie", "bag", "mug", "key", "toy", "fan", "net")


def task_of(*labels: str) -> Task:
    return Task(name="color", labels=labels)


def evidence_of(folder: Path, texts: dict[str, ClassTexts], per_class: int = 6, unlabeled: int = 0) -> Evidence:
    """Rows of four colors, each called by its color and a thing of its own; some without a label after them."""
    words = [(color, thing) for color in COLORS for thing in THINGS[:per_class]]
    more = [(COLORS[row % 4], f"new{row}") for row in range(unlabeled)]
    frame = pd.DataFrame({"id": [f"r{row}" for row in range(len(words) + unlabeled)]})
    frame["text"] = [f"{color} {thing} of mine" for color, thing in [*words, *more]]
    frame["split"] = ["train"] * len(words) + ["unlabeled"] * unlabeled
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["color_given"] = [*(color for color, _ in words), *[None] * unlabeled]
    task = task_of(*COLORS)
    samples = table.from_pandas(table.resolve(frame, [task]), [task])
    encoder: Any = HashingEncoder()
    return Evidence(samples, encoder=encoder, cache=Cache(folder), folds=3, class_texts=texts)


def labels(per_class: int = 6, unlabeled: int = 0) -> list[str | None]:
    return [*(color for color in COLORS for _ in range(per_class)), *[None] * unlabeled]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("card_arrival", "card arrival"),
        ("top-up-failed", "top up failed"),
        ("cancelOrder", "cancel Order"),
        ("HTMLPage", "HTML Page"),
        ("billing/refund", "billing refund"),
        ("Überweisung offen", "Überweisung offen"),
        ("退款", "退款"),
    ],
)
def test_a_name_is_read_as_a_person_would_say_it(label: str, words: str) -> None:
    assert name_in_words(label) == words
    assert class_texts([task_of(label, "other")], {}, "auto")["color"].texts == (words, "other")


@pytest.mark.parametrize("names", [("0", "1"), ("a", "b"), ("A1", "B2"), ("LABEL_0", "LABEL_1"), ("-1", "+1")])
def test_names_without_words_of_their_own_are_not_tried(names: tuple[str, ...]) -> None:
    assert class_texts([task_of(*names)], {}, "auto") == {}
    found = class_texts([task_of(*names)], {names[0]: "Good news.", names[1]: "Bad news."}, "auto")["color"]
    assert found.texts == ("Good news.", "Bad news.")
    assert found.codes.tolist() == [0, 1]


def test_a_sentence_on_a_class_is_one_more_text_of_it() -> None:
    found = class_texts([task_of("red", "green")], {"green": "As grass is.", "strange": "Of no class."}, "always")
    assert found["color"].texts == ("red", "green", "As grass is.")
    assert found["color"].codes.tolist() == [0, 1, 1]
    assert found["color"].always
    assert class_texts([task_of("red", "green")], {}, "never") == {}


def texts_of(names: Sequence[str], *, always: bool = False) -> dict[str, ClassTexts]:
    return {"color": ClassTexts(texts=tuple(names), codes=np.arange(4), always=always)}


def test_names_that_say_what_the_rows_say_are_kept(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, texts_of(COLORS))
    named = evidence.named(task_of(*COLORS), labels())
    assert named.facts["kept"]
    assert named.facts["likelihood_gain"] > 0
    assert named.facts["held_out_rows"] == 24
    assert named.texts == COLORS
    assert named.vectors == pytest.approx(HashingEncoder().encode(COLORS))
    assert named.out_of_fold is not None
    assert named.out_of_fold.probabilities.shape == (24, 4)  # of the rows, and of no name


def test_names_that_mislead_are_left_out_and_nothing_changes(tmp_path: Path) -> None:
    shuffled = (*COLORS[1:], COLORS[0])
    rest: dict[str, Any] = {"unlabeled": 8}
    unlabeled = np.arange(32) >= 24
    without = evidence_of(tmp_path / "without", {}, **rest)
    for texts in (texts_of(shuffled), {}):
        evidence = evidence_of(tmp_path / str(len(texts)), texts, **rest)
        named = evidence.named(task_of(*COLORS), labels(**rest))
        assert not named.texts
        assert named.out_of_fold is None
        assert (named.facts["likelihood_gain"] < 0) if texts else (named.facts == {})
        pairs = [one.self_trained(task_of(*COLORS), labels(**rest), unlabeled) for one in (without, evidence)]
        assert np.array_equal(pairs[0].probabilities, pairs[1].probabilities)


def test_rows_without_a_label_are_read_by_names_too(tmp_path: Path) -> None:
    """One label a class; texts of the other eight share two words with every class and one with their own."""
    rest: dict[str, Any] = {"per_class": 1, "unlabeled": 8}
    unlabeled = np.arange(12) >= 4
    found = [
        evidence_of(tmp_path / name, texts, **rest).self_trained(task_of(*COLORS), labels(**rest), unlabeled)
        for name, texts in (("without", {}), ("with", texts_of(COLORS, always=True)))
    ]
    truth = np.arange(8) % 4
    sure = [one.probabilities[unlabeled][np.arange(8), truth].mean() for one in found]
    assert sure[1] > sure[0] + 0.02
    assert len(found[1].probabilities) == 12


def test_a_name_is_beside_the_rows_that_are_nearest_to_it() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    near = nearest(vectors, 1)
    named = NamedClasses(texts=("one",), vectors=np.array([[0, 1]], dtype=np.float32), codes=np.array([0]))
    found = named.neighbors_beside(near, vectors)
    assert found.rows.tolist() == [[2], [2], [1], [1]]
    assert found.similarities[-1].tolist() == [1.0]
    assert NamedClasses().neighbors_beside(near, vectors) is near


def test_too_few_labels_measure_nothing_and_many_need_no_names(tmp_path: Path) -> None:
    assert FEWEST > 16
    mixed = texts_of((*COLORS[1:], COLORS[0]))
    one = evidence_of(tmp_path, mixed, per_class=4).named(task_of(*COLORS), labels(4))
    assert not one.texts
    assert one.facts["agreement"] < AGREEMENT
    assert "16 labels can be held out" in one.facts["why"]
    always = {"color": replace(mixed["color"], always=True)}
    assert evidence_of(tmp_path, always, per_class=4).named(task_of(*COLORS), labels(4)).texts == mixed["color"].texts
    many: list[str | None] = ["red"] * (2 * FEW) + ["blue"] * (2 * FEW)
    evidence = evidence_of(tmp_path, texts_of(COLORS), per_class=FEW // 2, unlabeled=2 * FEW)
    assert evidence.named(task_of(*COLORS), many).facts == {}


@pytest.mark.parametrize("per_class", [1, 2])
def test_where_nothing_is_held_out_names_are_kept_that_classify_the_rows(tmp_path: Path, per_class: int) -> None:
    named = evidence_of(tmp_path, texts_of(COLORS), per_class=per_class).named(task_of(*COLORS), labels(per_class))
    assert named.facts["held_out_rows"] < FEWEST
    assert named.facts["agreement"] == 1
    assert named.texts == COLORS


def test_one_row_of_each_of_two_classes_may_be_right_by_chance(tmp_path: Path) -> None:
    texts = {"color": ClassTexts(texts=("red", "green"), codes=np.arange(2))}
    named = evidence_of(tmp_path, texts, per_class=1).named(task_of(*COLORS), ["red", "green", None, None])
    assert named.facts["agreement"] == 1
    assert not named.texts


def test_a_class_that_no_row_has_gets_a_text_where_names_are_always_learned_from(tmp_path: Path) -> None:
    given = [label if label != "black" else None for label in labels()]
    named = evidence_of(tmp_path / "auto", texts_of(COLORS)).named(task_of(*COLORS), given)
    assert named.texts == ("red", "green", "blue")
    assert named.codes.tolist() == [0, 1, 2]
    always = evidence_of(tmp_path / "always", texts_of(COLORS, always=True))
    assert always.named(task_of(*COLORS), given).texts == COLORS


def test_without_a_label_names_are_learned_from_only_where_they_always_are(tmp_path: Path) -> None:
    nothing: list[str | None] = [None] * 24
    assert not evidence_of(tmp_path / "auto", texts_of(COLORS)).named(task_of(*COLORS), nothing).texts
    named = evidence_of(tmp_path / "always", texts_of(COLORS, always=True)).named(task_of(*COLORS), nothing)
    assert named.texts == COLORS
    assert named.facts["agreement"] == 0
