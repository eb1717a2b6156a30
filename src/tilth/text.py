"""Small pure functions on texts that several floors share."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NOT_WORD = re.compile(r"[\W_]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(text: str) -> str:
    r"""Unicode NFC, control characters (NUL among them) gone, ends trimmed.

    >>> clean(" cafe\u0301\x00 ")
    'café'
    """
    return _CONTROL.sub("", unicodedata.normalize("NFC", text)).strip()


def normal_form(text: str) -> str:
    """Lower case, letters and digits only, single spaces: equal for texts that a reader would call the same.

    >>> normal_form("Where's  my CARD?!")
    'where s my card'
    """
    return _NOT_WORD.sub(" ", text.casefold()).strip()


def digest(text: str) -> str:
    """Hex digest of a text, 128 bits."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def chunk_starts(length: int, limit: int, most: int) -> list[int]:
    """Where a text of so many tokens is cut into chunks of `limit`; of more than `most`, evenly spaced ones.

    >>> chunk_starts(7, 3, 64), chunk_starts(70, 3, 4), chunk_starts(0, 3, 64)
    ([0, 3, 6], [0, 21, 45, 69], [0])
    """
    starts = range(0, max(length, 1), limit)
    if len(starts) <= most:
        return list(starts)
    return [starts[step * (len(starts) - 1) // max(most - 1, 1)] for step in range(most)]


def unit_interval(text: str) -> float:
    """A number in [0, 1) that depends on the text alone; spreads ids over folds and hold-outs."""
    return int(digest(text)[:13], 16) / 16**13


def fold_of(row_id: str, folds: int) -> int:
    """The cross-validation fold of a row, by a hash of its id, so that it never moves as rows come and go."""
    return int(unit_interval(f"fold:{row_id}") * folds)
