"""Long texts in passages: the sentences of any text, however odd, each encoded once."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.learn.encoder import Passages, cut, once
from tilth.learn.encoder.passages import PER_CHUNK, sentences


def words(texts: list[str]) -> list[list[int]]:
    return [[len(word) for word in text.split()] for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two three. Four five six! Seven?", ["One two three.", "Four five six!", "Seven?"]),
        ('He said "go home now." Then she left.', ['He said "go home now."', "Then she left."]),
        ("a line of words\nanother such line\n\n", ["a line of words", "another such line"]),
        ("Dr. No came here", ["Dr. No came here"]),
        (
            "我今天去了北京的一家很好的饭店吃饭和喝茶然后回家了。他没有去。",
            ["我今天去了北京的一家很好的饭店吃饭和喝茶然后回家了。", "他没有去。"],
        ),
        ("x" * 1_000_000, ["x" * 1_000_000]),
        ("." * 1_000, ["." * 1_000]),
        ("", []),
    ],
    ids=["ends", "quotes", "lines", "short", "chinese", "a million letters", "dots", "empty"],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_long_texts_are_cut_and_short_ones_are_not() -> None:
    found = cut(["a bb ccc. dd e fff", "a bb", ""], words, limit=4, around=2, most=64)
    assert found.owner == [0, 0, 1, 2]
    assert found.pieces == [[1, 2, 4], [2, 1, 3], [1, 2], []]
    assert found.sentences == ["a bb ccc.", "dd e fff", "a bb", ""]
    assert found.shortened == []


def test_a_long_sentence_is_cut_and_of_too_many_passages_evenly_spaced_ones_are_read() -> None:
    text = " ".join(f"{'w' * (1 + n % 9)} of it." for n in range(100))
    found = cut([text, "b " * 200], words, limit=62, around=2, most=2)
    first = [piece for piece, owner in zip(found.pieces, found.owner, strict=True) if owner == 0]
    assert len(first) == 2 * PER_CHUNK == found.most
    assert (first[0], first[-1]) == ([1, 2, 3], [1 + 99 % 9, 2, 3])
    assert [len(piece) for piece in found.pieces[len(first) :]] == [29, 29, 29, 29, 29, 29, 26]
    assert found.shortened == [300]


def test_a_piece_that_repeats_is_one() -> None:
    unique, index = once([[1, 2], [3], [1, 2]])
    assert (unique, index.tolist()) == ([[1, 2], [3]], [0, 1, 0])
    passages = Passages(np.eye(2, dtype=np.float32), index, np.array([0, 2, 3]))
    assert passages.part(np.array([1, 0])).index.tolist() == [0, 0, 1]
    assert passages.owner.tolist() == [0, 0, 1]
