"""Words in a row: which of them a corpus holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

BEGIN, END = "^", "$"


def word_ngrams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Each so many words in a row."""
    return zip(*(words[start:] for start in range(size)), strict=False)


def with_boundaries(words: Iterable[str]) -> list[str]:
    """Words with a text's two ends, which no word can be."""
    return [BEGIN, *words, END]


def text_ngrams(text: str, size: int) -> Iterator[tuple[str, ...]]:
    """Each so many words in a row of a normal form, its ends among them."""
    return word_ngrams(with_boundaries(text.split()), size)
