from __future__ import annotations

import pytest

from tilth.augmentation.recombination import Recombined, recombined
from tilth.augmentation.wording import words_of

CORPUS = [
    "How do I freeze my card?", "I want to freeze my card.", "How do I order a card?", "I want to order a card.",
    "How do I close my account?", "Never mind, freeze my card.",
]  # fmt: skip


def tried(source: str, tokenizer: object, corpus: list[str] = CORPUS, limit: int = 9) -> list[Recombined]:
    return recombined([source], [words_of(source, tokenizer)], corpus, {"i": "I"}, limit)[0]


def test_what_stands_in_the_same_two_environments_takes_a_spans_place(tokenizer: object) -> None:
    # "how do i" and "i want to" both begin texts before "freeze my" and "order a"; "never mind," holds a mark.
    # "order a" may stand for "freeze my" too, but 4 changed words and marks of 14 are below 0.3.
    found = tried("How do I freeze my card?", tokenizer)
    assert found == [Recombined("I want to freeze my card.", 3 / 7)]


def test_it_need_not_be_a_text_of_the_corpus(tokenizer: object) -> None:
    corpus = [*CORPUS, "Close my account?", "I want to close my account."]
    assert "I want to close my account now?" not in corpus
    found = tried("How do I close my account now?", tokenizer, corpus)
    assert [one.text for one in found] == ["I want to close my account now."]


def test_one_environment_is_not_enough(tokenizer: object) -> None:
    assert tried("How do I freeze my card?", tokenizer, CORPUS[:2]) == []


def test_slots_stay_and_none_comes_in(tokenizer: object) -> None:
    corpus = ["I paid $20 by card now", "I sent $20 by card now", "I paid $20 by card yesterday"]
    corpus += ["I sent $20 by card yesterday", "I paid $30 by card now", "I don't pay by card now"]
    for one in tried("I paid $20 by card now", tokenizer, corpus):
        assert "$20" in one.text
        assert "don't" not in one.text


def test_a_word_of_the_source_keeps_its_spelling(tokenizer: object) -> None:
    corpus = ["how do i freeze my visa", "i want to freeze my visa", "how do i order a visa", "i want to order a visa"]
    found = tried("How do I freeze my Visa?", tokenizer, corpus)
    assert [one.text for one in found] == ["I want to freeze my Visa."]


def test_the_limit_and_no_corpus(tokenizer: object) -> None:
    assert tried("How do I freeze my card?", tokenizer, limit=0) == []
    assert tried("How do I freeze my card?", tokenizer, []) == []
    assert tried("Card", tokenizer) == []
    assert recombined([], [], CORPUS, {}, 9) == []


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_the_corpus_is_no_matter(tokenizer: object, turned: bool) -> None:
    corpus = [*CORPUS, "May we freeze my card?", "May we order a card?"]
    found = tried("How do I freeze my card?", tokenizer, corpus[::-1] if turned else corpus, limit=2)
    assert [one.text for one in found] == ["I want to freeze my card.", "May we freeze my card?"]
