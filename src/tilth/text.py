"""Small pure functions on texts that several floors share."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable

_MARKS = re.compile(r"[^\w\s]+|_+")
_SPOKEN = frozenset({"Mn", "Mc", "So"})
"""Unicode's categories that no pattern for words holds and that say something: the vowel signs of many scripts,
emoji."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Signs that no text needs and `clean` removes."""
_ENDS = re.compile(r"^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$")
_UNSEEN = re.compile(
    r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]|^[\s\u200c\u200d]+|[\s\u200c\u200d]+$"
)
"""Signs that change nothing that a reader sees; joiners (200c, 200d) do, but at an end."""
_UNSPACED = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Myanmar, Khmer
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # kana, Han
)
"""Signs of scripts that part no words."""
_TOKEN = re.compile(rf"{_UNSPACED}|(?:(?!{_UNSPACED})\S)+")
_SENTENCE = re.compile(r"[.!?。！？\n]+\s*")
SAYS_SOMETHING = 3
"""Words from which a sentence says something."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet runs a cell for, where it is the cell's first sign, and what `escape_formula` makes of it."""


def clean(text: str) -> str:
    r"""Unicode NFC, control characters (NUL among them) gone, ends trimmed of spaces and of signs without width.

    >>> clean(" cafe\u0301\x00 \u200b")
    'café'
    """
    return _ENDS.sub("", CONTROL.sub("", unicodedata.normalize("NFC", text)))


def clean_label(label: str) -> str:
    r"""A label as `clean` makes a text, without any sign that nobody sees: two labels that look alike are one.

    >>> clean_label("\ufeffre\u200bfund\u00a0")
    'refund'
    """
    return clean(_UNSEEN.sub("", label))


def escape_formula(cell: str) -> str:
    """A cell of a CSV file, such that no spreadsheet runs it: an apostrophe before what begins as a formula does.

    A cell that begins as an escaped one does gets one more, so that `unescape_formula` gives every cell back.

    >>> escape_formula("=1+2"), escape_formula("'=1+2"), escape_formula("'tis a card")
    ("'=1+2", "''=1+2", "'tis a card")
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """The reverse of `escape_formula`, for cells of a file that tilth wrote.

    >>> unescape_formula("'=1"), unescape_formula("''=1"), unescape_formula("-5 degrees")
    ('=1', "'=1", '-5 degrees')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def normal_form(text: str, fold: Callable[[str], str] = str.casefold) -> str:
    """Lower case, without punctuation, single spaces: equal for texts that a reader would call the same.

    With `str.lower` for `fold` a text keeps its signs ("ß" is no "ss"), so that a pattern finds them in it.

    >>> normal_form("Where's  my CARD?!")
    'where s my card'
    >>> normal_form("C++, not C#") == normal_form("C#, not C++")
    False
    """
    return " ".join(_MARKS.sub(_spoken, fold(text)).split())


def _spoken(gap: re.Match[str]) -> str:
    """What remains of a run of marks: signs that a name ends in (C++, C#), and what says something by itself."""
    found, before = gap.group(), gap.string[max(0, gap.start() - 1) : gap.start()]
    rest = found.lstrip("+#") if before.isalnum() else found
    name = found[: len(found) - len(rest)]
    return name + "".join(mark if unicodedata.category(mark) in _SPOKEN else " " for mark in rest)


def tokens(text: str) -> list[str]:
    """What stands between spaces; of a script that parts no words each sign.

    >>> tokens("my refund"), tokens("iphone 退款")
    (['my', 'refund'], ['iphone', '退', '款'])
    """
    return _TOKEN.findall(text)


def is_unspaced(sign: str) -> bool:
    """Whether a sign belongs to a script that parts no words: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""
    return re.match(_UNSPACED, sign) is not None


def word_count(text: str) -> int:
    """Words; of a script that parts none each two signs count as one.

    >>> word_count("my refund"), word_count("iphone 退款"), word_count("退")
    (2, 2, 1)
    """
    parts = tokens(text)
    signs = sum(map(is_unspaced, parts))
    return len(parts) - signs + (signs + 1) // 2


def normal_sentences(text: str) -> list[str]:
    """The sentences of a text in normal form.

    >>> normal_sentences("Thank you. It is RED!")
    ['thank you', 'it is red']
    """
    return [form for part in _SENTENCE.split(text[:20_000]) if (form := normal_form(part))]


def says_something(parts: Iterable[str]) -> bool:
    """Whether sentences have words enough between them to say something: "thank you" does not."""
    return sum(map(word_count, parts)) >= SAYS_SOMETHING


def digest(text: str) -> str:
    """Hex digest of a text, 128 bits."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def unit_interval(text: str) -> float:
    """A number in [0, 1) that depends on the text alone; spreads ids over folds and hold-outs."""
    return int(digest(text)[:13], 16) / 16**13


def fold_of(row_id: str, folds: int) -> int:
    """The cross-validation fold of a row, by a hash of its id, so that it never moves as rows come and go."""
    return int(unit_interval(f"fold:{row_id}") * folds)
