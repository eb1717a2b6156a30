"""A text as words: their places, corpus_spellings and word pieces."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tilth.augmentation.text.slots import find_slots
from tilth.text import normal_form


@functools.lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word without a common English ending: enough to tell "transfer" and "transfers" as one.

    >>> stem("transfers"), stem("charged"), stem("charging"), stem("is")
    ('transfer', 'charg', 'charg', 'is')
    """
    plain = normal_form(word).split(" ")[0]
    for ending in ("ing", "ed", "es", "s", "e"):
        if plain.endswith(ending) and len(plain) - len(ending) >= 3:
            return plain[: -len(ending)]
    return plain


UNK = 100
_RARE_PIECES = 3  # a word in so many pieces is a name or a term; a denoiser of this size would misspell it
WORD_PATTERN = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
"""A word with its inner apostrophes, or one mark."""


@dataclass(frozen=True)
class Word:
    """A word, mark or slot of a source: its spelling, its token ids, and whether it must stay."""

    text: str
    ids: tuple[int, ...]
    fixed: bool


def split_words(text: str, tokenizer: Any) -> list[Word]:
    """The words of a text in order; a slot is one word, and what the tokenizer does not know must stay."""
    spans = [(slot.start, slot.end, True) for slot in find_slots(text)]
    protected = list(spans)
    for match in WORD_PATTERN.finditer(text):
        if all(match.end() <= start or match.start() >= end for start, end, _ in protected):
            spans.append((match.start(), match.end(), False))
    words = []
    for start, end, fixed in sorted(spans):
        ids = tuple(tokenizer(text[start:end], add_special_tokens=False)["input_ids"])
        if ids:
            rare = text[start:end].isalpha() and len(ids) >= _RARE_PIECES
            words.append(Word(text[start:end], ids, fixed or rare or UNK in ids))
    return words


def uncased(word: str) -> str:
    """A word as an uncased tokenizer knows it: lower case, no accents.

    >>> uncased("Café")
    'cafe'
    """
    split = unicodedata.normalize("NFD", word.lower())
    return "".join(letter for letter in split if unicodedata.category(letter) != "Mn")


def share_of_known_words(words: Sequence[Word]) -> float:
    """Share of words of letters that the tokenizer holds as one piece: low for other languages and for noise."""
    letters = [word for word in words if word.text.isalpha()]
    return sum(len(word.ids) == 1 and UNK not in word.ids for word in letters) / len(letters) if letters else 0.0
