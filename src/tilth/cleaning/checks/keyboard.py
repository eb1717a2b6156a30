"""Keyboard mash: letters in the order of their keys, one row of keys only, or one key held down.

Words of every language hold such runs too (German "Wert", English "property"), so that a run counts only where it is
nearly the whole word, and a word only where its character trigrams are not those of the corpus's other words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

_LAYOUTS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),  # QWERTY
    ("qwertzuiop", "asdfghjkl", "yxcvbnm"),  # QWERTZ
    ("azertyuiop", "qsdfghjklm", "wxcvbn"),  # AZERTY
    ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),  # ЙЦУКЕН
)
_NEXT = frozenset(pair for rows in _LAYOUTS for row in rows for a, b in pairwise(row) for pair in (a + b, b + a))
_HOME = frozenset("asdfghjkl")
_BOTTOM = frozenset("zxcvbnm")
_VOWELS = frozenset("aeiouyаеёиоуыэюя")
_SOUNDS = frozenset("hmszkwxrbpfgtn")
"""Consonants that people draw out: hmm, zzz, brrr, pfff, kkkk."""
_WORD = re.compile(r"[^\W\d_]+")
_KNOWN = 3  # words of the corpus that share a trigram, for it to be one of the language's
_ENOUGH = 300  # different words, for a word of four letters ("wert") to be held against them
_STRANGE = 0.3  # share of trigrams that no other words have


def mashed_words(texts: Iterable[str]) -> frozenset[str]:
    """The mashed words of a corpus in lower case: by the keys' geometry, and unlike the corpus's other words."""
    every = {word.lower() for text in texts for word in _WORD.findall(text)}
    least = 4 if len(every) >= _ENOUGH else 5
    suspects = [word for word in every if len(word) >= least and suspicious(word)]
    if not suspects:
        return frozenset()
    parts = {part for word in suspects for part in _trigrams(word)}
    known = Counter[str]()
    for word in every.difference(suspects):
        known.update(parts.intersection(_trigrams(word)))
    strange = {part for part in parts if known[part] < _KNOWN}
    return frozenset(word for word in suspects if _share(_trigrams(word), strange) >= _STRANGE)


def is_mashed(word: str, mashed: frozenset[str]) -> bool:
    """Whether any run of letters in a word is among the mashed words."""
    return any(part.lower() in mashed for part in _WORD.findall(word))


def is_held_key(text: str) -> bool:
    """Whether a text is one key held down."""
    signs = text.replace(" ", "").lower()
    return len(signs) >= 8 and len(set(signs)) == 1 and signs[0].isalpha()


def suspicious(word: str) -> bool:
    """Whether a word in lower case looks typed by the keys' places.

    >>> [suspicious(word) for word in ("poiu", "asdkjfhaskdjfh", "qqqqwwww", "wertvoll", "nachtschicht", "hmmmm")]
    [True, True, True, False, False, False]
    """
    runs = _runs(word)
    long = 5 if word[0] > "z" else 4
    if sum(size for size in runs if size >= long) >= 0.8 * len(word):
        return True
    if len(word) >= 6 and sum(size for size in runs if size >= 3) == len(word):
        return True
    if _held(word):
        return True
    apart = max((len(part) for part in re.split(f"[{''.join(_VOWELS)}]", word)), default=0)
    home = sum(letter in _HOME for letter in word) / len(word)
    if len(word) >= 6 and home == 1 and apart >= 4:
        return True
    return (len(word) >= 8 and home >= 0.7 and apart >= 6) or (len(word) >= 5 and _BOTTOM.issuperset(word))


def _runs(word: str) -> list[int]:
    """Lengths of the runs over neighboring keys of one row, each in one direction."""
    sizes, size, way = [], 1, 0
    for a, b in pairwise(word):
        turn = next((step for step in (1, -1) if _steps(a, b, step)), 0)
        if turn and way in (0, turn):
            size, way = size + 1, turn
        else:
            sizes.append(size)
            size, way = 1, 0
    return [*sizes, size]


def _steps(a: str, b: str, step: int) -> bool:
    if a + b not in _NEXT:
        return False
    return any(a in row and b in row and row.index(b) - row.index(a) == step for rows in _LAYOUTS for row in rows)


def _held(word: str) -> bool:
    """Whether keys were held down, and it is no sound that people draw out."""
    pieces = [(letter, len(list(group))) for letter, group in groupby(word)]
    held = sum(size for _, size in pieces if size >= 4)
    letters = {letter for letter, _ in pieces}
    return held >= 0.6 * len(word) and not letters & _VOWELS and not letters <= _SOUNDS and word.isascii()


def _trigrams(word: str) -> Sequence[str]:
    padded = f"^{word}$"
    return [padded[at : at + 3] for at in range(len(padded) - 2)]


def _share(parts: Sequence[str], among: set[str]) -> float:
    return sum(part in among for part in parts) / len(parts)
