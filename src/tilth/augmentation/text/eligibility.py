"""Which texts can be paraphrased at all, and why others cannot."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.augmentation.text.words import Word, share_of_known_words
from tilth.text import normal_form

MAX_SOURCE_TOKENS = 48
"""Tokens of the longest source."""
MIN_WORDS = 3
_KNOWN = 0.6  # share of words known whole, below which a text is another language, code or noise


def unfit_reason(text: str, words: Sequence[Word], seen: set[str]) -> str | None:
    """Why a text is not paraphrased, or None; remembers its normal form in `seen`."""
    form = normal_form(text)
    if form in seen:
        return "repeated"
    seen.add(form)
    if sum(word.text[:1].isalnum() for word in words) < MIN_WORDS:
        return "too_short"
    if sum(len(word.ids) for word in words) > MAX_SOURCE_TOKENS:
        return "too_long"
    if share_of_known_words(words) < _KNOWN:
        return "unknown_words"
    if all(word.fixed for word in words):
        return "nothing_free"
    return None
