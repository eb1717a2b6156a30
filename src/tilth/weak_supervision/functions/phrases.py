"""Phrases of texts in any script, and regular expressions that find them again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tilth.text import is_unspaced, tokens

LONGEST, LONGEST_UNSPACED = 3, 6
"""Words in a phrase, and signs in one of a script that parts no words, which has two at the least."""


def phrases_of(form: str) -> Iterator[str]:
    """Every phrase of a text in its normal form: up to three words, or up to six signs of a script without spaces.

    >>> list(phrases_of("my refund"))
    ['my', 'refund', 'my refund']
    >>> list(phrases_of("退iphone"))
    ['iphone', '退iphone']
    """
    words = form.split()
    for length in range(1, LONGEST + 1):
        spaced = (words[start : start + length] for start in range(len(words) - length + 1))
        yield from (" ".join(part) for part in spaced if not any(map(is_unspaced, "".join(part))))
    for part in words:
        inner = tokens(part)
        if not any(map(is_unspaced, part)):
            continue
        yield from (token for token in inner if not is_unspaced(token))
        for length in range(2, LONGEST_UNSPACED + 1):
            yield from ("".join(inner[start : start + length]) for start in range(len(inner) - length + 1))


def phrase_pattern(phrases: Sequence[str]) -> str:
    r"""A regular expression for any of the phrases, whatever stands between their words.

    >>> print(phrase_pattern(["my refund", "owe"]))
    my\W+refund|owe
    """
    return "|".join(r"\W+".join(map(re.escape, phrase.split())) for phrase in phrases)


def whole_phrases(phrases: Sequence[str]) -> str:
    r"""The same where a phrase stands by itself and is no part of a longer word; scripts without spaces show no such.

    >>> print(whole_phrases(["my refund", "owe"]))
    \b(?:my\W+refund|owe)\b
    >>> print(whole_phrases(["退款", "vip", "退vip"]))
    退款|\bvip\b|退vip\b
    """
    if all(map(_parted, "".join(phrase[0] + phrase[-1] for phrase in phrases))):
        return rf"\b(?:{phrase_pattern(phrases)})\b"
    ends = [(r"\b" * _parted(phrase[0]), r"\b" * _parted(phrase[-1])) for phrase in phrases]
    return "|".join(
        f"{begin}{phrase_pattern([phrase])}{end}" for phrase, (begin, end) in zip(phrases, ends, strict=True)
    )


def _parted(sign: str) -> bool:
    """Whether a word that has the sign at an end is parted from the next one: emoji and Chinese signs are not."""
    return (sign.isalnum() or sign == "_") and not is_unspaced(sign)
