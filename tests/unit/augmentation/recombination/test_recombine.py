from __future__ import annotations

import pytest

from tilth.augmentation.recombination.recombine import RecombinedText, recombine_texts
from tilth.augmentation.text.words import split_words

DONE = ("freeze my card", "order a card", "cancel this card")
CORPUS = [
    *(f"How do I {what}?" for what in DONE),
    *(f"I want to {what}." for what in DONE),
    "Never mind, freeze my card.",
]


def tried(
    source: str, tokenizer: object, corpus: list[str] = CORPUS, limit: int = 9, keep: tuple[str, ...] = ()
) -> list[RecombinedText]:
    return recombine_texts([source], [split_words(source, tokenizer)], [keep], corpus, {"i": "I"}, [limit])[0]


def test_what_stands_in_the_same_three_environments_takes_a_spans_place(tokenizer: object) -> None:
    # "how do i" and "i want to" both begin texts before what can be done; "never mind," holds a mark.
    # "order a" may stand for "freeze my" nowhere else than before "card" at the end, after "i" and "to".
    found = tried("How do I freeze my card?", tokenizer)
    assert found == [RecombinedText("I want to freeze my card.", 3 / 7)]


def test_it_need_not_be_a_text_of_the_corpus(tokenizer: object) -> None:
    corpus = [*CORPUS, "Freeze my card today."]
    assert "I want to freeze my card today." not in corpus
    found = tried("How do I freeze my card today?", tokenizer, corpus)
    assert [one.text for one in found] == ["I want to freeze my card today."]


def test_two_environments_are_not_enough(tokenizer: object) -> None:
    corpus = [text for text in CORPUS if "cancel" not in text]
    assert tried("How do I freeze my card?", tokenizer, corpus) == []


def test_three_words_that_nobody_wrote_in_a_row_are_not_put_together(tokenizer: object) -> None:
    corpus = [*CORPUS, *(f"Can she {what}?" for what in DONE)]
    made = [one.text for one in tried("How do I freeze my card?", tokenizer, corpus)]
    assert made == ["Can she freeze my card?", "I want to freeze my card."]
    # "she block my" stands in no text, "to block my" does.
    source, block = "How do I block my card?", ["How do I block my card?", "I want to block my card."]
    assert [one.text for one in tried(source, tokenizer, [*corpus, *block])] == ["I want to block my card."]


def test_two_spans_may_change_together(tokenizer: object) -> None:
    ends = ("right now at once", "for the whole day", "until i am back")
    corpus = [f"{start} {what} {end}" for start in ("how do i", "i want to") for what in DONE for end in ends[:2]]
    corpus.remove("i want to freeze my card for the whole day")
    found = {one.text: one.share for one in tried("how do i freeze my card right now at once", tokenizer, corpus)}
    assert 0.7 <= found["i want to freeze my card for the whole day"] <= 0.8  # "my card" may be part of a span


def test_what_must_be_kept_is_kept_in_some_form(tokenizer: object) -> None:
    corpus = [f"{do} my card {when}" for do in ("freeze", "freezing", "lock up") for when in ("now", "soon", "later")]
    free = {one.text for one in tried("freeze my card now", tokenizer, corpus)}
    assert free == {"lock up my card now"}  # "freezing my card now" changes one word alone
    assert tried("freeze my card now", tokenizer, corpus, keep=("freezes",)) == []


def test_slots_stay_and_none_comes_in(tokenizer: object) -> None:
    corpus = ["I paid $20 by card now", "I sent $20 by card now", "I paid $20 by card yesterday"]
    corpus += ["I sent $20 by card yesterday", "I paid $30 by card now", "I don't pay by card now"]
    for one in tried("I paid $20 by card now", tokenizer, corpus):
        assert "$20" in one.text
        assert "don't" not in one.text


def test_a_word_of_the_source_keeps_its_spelling(tokenizer: object) -> None:
    corpus = [f"{start} {what} a visa" for start in ("how do i", "i want to") for what in ("freeze", "order", "close")]
    found = tried("How do I freeze a Visa?", tokenizer, corpus)
    assert [one.text for one in found] == ["I want to freeze a Visa."]


def test_the_limit_and_no_corpus(tokenizer: object) -> None:
    assert tried("How do I freeze my card?", tokenizer, limit=0) == []
    assert tried("How do I freeze my card?", tokenizer, []) == []
    assert tried("Card", tokenizer) == []
    assert recombine_texts([], [], [], CORPUS, {}, []) == []


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_the_corpus_is_no_matter(tokenizer: object, turned: bool) -> None:
    corpus = [*CORPUS, *(f"May we {what}?" for what in DONE)]
    found = tried("How do I freeze my card?", tokenizer, corpus[::-1] if turned else corpus, limit=2)
    assert [one.text for one in found] == ["I want to freeze my card.", "May we freeze my card?"]
