from __future__ import annotations

from typing import Any

import pytest

from tilth.augmentation.text.detokenizer import Piece, corpus_spellings, detokenize, match_style
from tilth.augmentation.text.words import UNK, share_of_known_words, split_words


def kept(text: str, tokenizer: Any) -> list[Piece]:
    return [Piece(word) for word in split_words(text, tokenizer)]


@pytest.mark.parametrize(
    "text",
    [
        "Why isn't my card working?",
        "I paid $1,200.50 on 3 May.",
        "what's the wi-fi code",
        'he said "no way" to me.',
        "Is it 5:30 or (maybe) 6?",
        "WHERE IS IT?",
    ],
)
def test_a_text_that_keeps_all_its_words_comes_back_as_it_was(text: str, tokenizer: Any) -> None:
    assert detokenize(kept(text, tokenizer), text, corpus_spellings([text])) == text


def test_new_words_are_spelled_as_in_the_corpus(tokenizer: Any) -> None:
    casing = corpus_spellings(["my Visa and I", "the Visa card"])
    assert detokenize([Piece(None, ("can", "i", "use", "visa"))], "Is this all", casing) == "Can I use Visa"
    assert detokenize([Piece(None, ("can", "i", "use", "visa"))], "is this all", casing) == "can i use visa"


def test_pieces_and_contractions_are_joined(tokenizer: Any) -> None:
    pieces = [Piece(None, ("i", "don", "'", "t", "top", "##up", ",", "ok", "?"))]
    assert detokenize(pieces, "can i", {}) == "i don't topup, ok"


def test_a_capital_at_the_start_does_not_travel(tokenizer: Any) -> None:
    source = "Cards are late."
    pieces = [Piece(None, ("my",)), *kept(source, tokenizer)]
    assert detokenize(pieces, source, {}) == "My cards are late."


def test_slots_rare_and_unknown_words_must_stay(tokenizer: Any) -> None:
    words = {word.text: word for word in split_words("give hegemony 😀 to Ann now", tokenizer)}
    assert UNK in words["😀"].ids
    assert [name for name, word in words.items() if word.fixed] == ["hegemony", "😀", "Ann"]


def test_other_languages_are_told_by_their_pieces(tokenizer: Any) -> None:
    assert share_of_known_words(split_words("where is my card", tokenizer)) == 1.0
    assert share_of_known_words(split_words("où est passée ma facture détaillée", tokenizer)) < 0.6
    assert share_of_known_words(split_words("где мои деньги", tokenizer)) < 0.6
    assert share_of_known_words(split_words("😀😀", tokenizer)) == 0.0
    assert share_of_known_words([]) == 0.0


def test_another_models_text_is_written_as_its_source_is() -> None:
    casing = {"visa": "Visa"}
    assert match_style("Where is my Visa card?", "wheres my visa", casing) == "where is my visa card"
    assert match_style("Where is it?", "WHERE HAS IT GONE?", casing) == "WHERE IS IT?"
    assert match_style("the visa card is late", "My Visa card has not come.", casing) == "The Visa card is late."
    assert match_style("write to visa@bank.com", "Mail visa@bank.com!", casing) == "Write to visa@bank.com."
