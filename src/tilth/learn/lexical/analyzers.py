"""A text's n-grams of words and of characters, in plain Python: an exported model reads texts by it, too."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

LONGEST = 2_000
"""Characters of a text whose n-grams of characters are taken; words are taken to its end."""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese, which set no space between words: there each sign is a token."""
_SIGNS = r"\w\u0300-\u036f\u0900-\u0dff"
"""What words are written with: beside letters and digits accents and the vowel signs of India's scripts."""
TOKEN = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[{_SIGNS}])+")
_SHORTEST_GRAM, _LONGEST_GRAM = 2, 5


def word_ngrams(text: str) -> list[str]:
    """The words of a text in lower case, then its pairs of neighbors.

    >>> word_ngrams("Where's my card")
    ['where', 's', 'my', 'card', 'where s', 's my', 'my card']
    """
    tokens = TOKEN.findall(text.lower())
    return [*tokens, *(f"{first} {second}" for first, second in pairwise(tokens))]


def character_ngrams(text: str) -> list[str]:
    """Runs of two to five characters in lower case, within words that a space stands before and after.

    A word that is shorter than a run counts once, as scikit-learn's `char_wb` has it.

    >>> character_ngrams("No")
    [' n', 'no', 'o ', ' no', 'no ', ' no ']
    """
    return [gram for word in text[:LONGEST].lower().split() for gram in _within(word)]


@lru_cache(maxsize=4096)
def _within(word: str) -> tuple[str, ...]:
    """The runs of one word; few words make up most of a table's texts."""
    spaced, length, grams = f" {word} ", len(word) + 2, list[str]()
    for size in range(_SHORTEST_GRAM, _LONGEST_GRAM + 1):
        if length <= size:
            return (*grams, spaced)
        grams += [spaced[start : start + size] for start in range(length - size + 1)]
    return tuple(grams)


ANALYZERS: dict[str, Callable[[str], list[str]]] = {"words": word_ngrams, "characters": character_ngrams}
"""The two kinds of n-grams, by name."""
