from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tilth.augmentation.config import Config
from tilth.augmentation.recombination.template_rows import (
    GeneratedText,
    RecombinationCorpus,
    SimilarityLimits,
    find_template_rows,
    recombine_sources,
)
from tilth.augmentation.selection import GateConfig
from tilth.augmentation.text.words import split_words

DONE = ("freeze my card", "order a card", "cancel this card")
CORPUS = [f"{start} {what}" for start in ("How do I", "I want to") for what in DONE]
SOURCE = "put the plastic on ice"
TEXTS = [SOURCE, *CORPUS]
LIMITS = SimilarityLimits(low=GateConfig().low, high=GateConfig().high, content=GateConfig().content)
ANGLES = [0.0, 0.3, *[1.5] * 5]  # "How do I freeze my card" alone is near the source


def rows(
    texts: list[str] = TEXTS, angles: list[float] = ANGLES, labels: list[int] | None = None
) -> RecombinationCorpus:
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    codes = np.array(labels or [-1] * len(texts))
    return RecombinationCorpus(texts, vectors, [codes], np.arange(len(texts)))


def tried(found: RecombinationCorpus, tokenizer: Any, **config: Any) -> list[GeneratedText]:
    words = [split_words(found.texts[0], tokenizer)]
    return recombine_sources(
        found, np.array([0]), words, [["plastic"]], {"i": "I"}, tokenizer, Config(**config), LIMITS
    )[0]


def test_a_source_in_words_of_its_own_is_paraphrased_in_those_of_a_near_row(tokenizer: Any) -> None:
    assert tried(rows(), tokenizer) == [GeneratedText("i want to freeze my card", 1.0, 1)]
    assert tried(rows(), tokenizer, nearby=0) == []
    assert tried(rows(), tokenizer, recombined=0) == []


def test_its_own_recombinations_come_first(tokenizer: Any) -> None:
    texts = ["How do I freeze my card?", "I want to freeze my card please", *CORPUS]
    found = rows(texts, [0.0, 0.3, *[1.5] * 6])
    made = recombine_sources(
        found, np.array([0]), [split_words(texts[0], tokenizer)], [["freeze"]], {"i": "I"}, tokenizer, Config(), LIMITS
    )  # fmt: skip
    assert made[0][0] == GeneratedText("I want to freeze my card.", pytest.approx(3 / 7), -1)
    assert GeneratedText("How do I freeze my card please?", 1.0, 1) in made[0]  # closed as the source is


@pytest.mark.parametrize(
    ("text", "angle", "label", "near"),
    [
        ("freeze the plastic", 0.5, -1, True),
        ("freeze the plastic", 0.5, 3, True),
        ("freeze the plastic", 0.5, 2, False),  # another label
        ("freeze the card", 0.5, -1, False),  # what is salient is gone
        ("freeze the card", 0.3, -1, True),  # unless it is near enough without
        ("freeze the plastic", 0.8, -1, False),  # too far
        ("freeze the plastic", 0.01, -1, False),  # too near
        ("freeze the plastic by 12:30", 0.5, -1, False),  # a slot
        ("take the plastic off ice", 0.3, -1, False),  # turned round
    ],
)
def test_which_rows_are_near(text: str, angle: float, label: int, near: bool) -> None:
    found = rows([SOURCE, text], [0.0, angle], [3, label])
    assert find_template_rows(found, np.array([0]), [["plastic"]], LIMITS, 5) == [[1] if near else []]


def test_the_nearest_come_first_and_no_more_than_asked_for() -> None:
    found = rows([SOURCE, *(f"the plastic {word}" for word in ("bag", "cup", "toy"))], [0.0, 0.6, 0.4, 0.5])
    assert find_template_rows(found, np.array([0, 2]), [["plastic"]] * 2, replace(LIMITS, high=0.9999), 2) == [
        [2, 3],
        [3, 1],
    ]
    assert find_template_rows(found, np.array([0]), [["plastic"]], LIMITS, 0) == [[]]
    empty = RecombinationCorpus(found.texts, found.vectors, found.labels, np.zeros(0, dtype=np.int64))
    assert find_template_rows(empty, np.array([0]), [["plastic"]], LIMITS, 2) == [[]]
