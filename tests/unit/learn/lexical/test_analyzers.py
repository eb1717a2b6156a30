from __future__ import annotations

import pytest
from sklearn.feature_extraction.text import CountVectorizer

from tilth.learn.lexical.analyzers import TOKEN, character_ngrams, word_ngrams

TEXTS = ["Where's MY card?", "I", "", "a\n\tb  c", "über-Straße 24/7", "我要退款", "पैसे वापस", "👍🏽 ok"]


@pytest.mark.parametrize("text", TEXTS)
def test_ngrams_are_those_of_scikit_learn(text: str) -> None:
    words = CountVectorizer(ngram_range=(1, 2), token_pattern=TOKEN.pattern).build_analyzer()
    characters = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
    assert word_ngrams(text) == words(text)
    assert sorted(character_ngrams(text)) == sorted(characters(text))


def test_the_characters_of_a_huge_text_are_read_to_a_limit() -> None:
    assert len(character_ngrams("ab " * 100_000)) == 6 * 667  # 2,000 signs hold 666 words and an "ab"
