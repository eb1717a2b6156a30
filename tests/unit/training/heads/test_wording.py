from __future__ import annotations

import math

import numpy as np
import pytest

from tilth.training.heads import NGramReader, choose_ngrams

TEXTS = ["refund please", "refund now", "parcel please", "parcel now"]
CODES = np.array([0, 0, 1, 1])


def test_a_text_is_read_by_counts_rarity_and_length() -> None:
    reader = NGramReader({"words": ["pay", "my"], "characters": ["y "]}, np.array([2.0, 1.0, 3.0]))
    columns, values = reader.read("Pay my pay")
    found = dict(zip(columns.tolist(), values.tolist(), strict=True))
    pay, my = 2 * (1 + math.log(2)), 1.0  # twice, once
    length = math.hypot(pay, my) * math.sqrt(2)  # two kinds of n-grams share the text's length of 1
    assert found == pytest.approx({0: pay / length, 1: my / length, 2: 1 / math.sqrt(2)})


def test_an_unknown_text_has_no_feature() -> None:
    reader = NGramReader({"words": ["pay"], "characters": []}, np.array([1.0]))
    assert [len(part) for part in reader.read("xyz")] == [0, 0]
    assert [len(part) for part in reader.read("")] == [0, 0]


def test_the_ngrams_that_tell_classes_apart_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.training.heads.wording._MOST", 2)
    monkeypatch.setattr("tilth.training.heads.wording.ANALYZERS", {"words": str.split})
    features = choose_ngrams(TEXTS, {"intent": CODES}, classes=2)
    assert features.names == {"words": ["parcel", "refund"]}
    assert features.idf.tolist() == pytest.approx([math.log(5 / 3) + 1] * 2)  # 4 rows, each in 2 of them


def test_a_task_that_knows_no_class_of_a_row_goes_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.training.heads.wording._MOST", 2)
    monkeypatch.setattr("tilth.training.heads.wording.ANALYZERS", {"words": str.split})
    tone = np.array([0, 1, 0, 1])
    names = choose_ngrams(TEXTS, {"intent": np.full(4, -1), "tone": tone}, classes=4).names
    assert names == {"words": ["now", "please"]}


def test_more_classes_leave_room_for_fewer_ngrams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.training.heads.wording._BYTES", 100)
    assert len(choose_ngrams(TEXTS, {"intent": CODES}, classes=2)) == 7  # a byte for two classes, 12 beside them
    assert len(choose_ngrams(TEXTS, {"intent": CODES}, classes=26)) == 4


@pytest.mark.parametrize("texts", [["", ""], ["one", "two"]])
def test_texts_without_a_common_ngram_have_no_feature(texts: list[str]) -> None:
    features = choose_ngrams(texts, {"intent": np.array([0, 1])}, classes=2)
    assert len(features) == 0
    assert features.transform(["one two"]).shape == (1, 0)
