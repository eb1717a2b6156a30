"""Texts without a message: no words, markup, what a machine wrote, keyboard mash, tests, and bulk mail.

Each kind is a rule of its own, none learned from any corpus:

* `wordless`: hardly a word is left without markup, addresses, codes, file names and emoji, in any script;
* `residue`: what a program prints in place of a text (`[object Object]`, `undefined`), and placeholders of a mail merge
  or a layout that nobody filled in;
* `mash`: letters by the keyboard's geometry, see `tilth.cleaning.checks.keyboard`;
* `test`: somebody tries whether a message arrives, or takes one back;
* `automatic`: automatic replies (RFC 3834), delivery reports (RFC 3464), disclaimers, and signatures without a message,
  by what Carvalho and Cohen (2004) find them by: closings, titles, telephone numbers, links;
* `bulk`: unsolicited offers, where phrases of two families meet, as SpamAssassin's rules for bodies add up.

A kind that this corpus, or one of its labels, is about is no junk here: see `unwanted`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.cleaning.checks import keyboard, phrases
from tilth.cleaning.checks.per_text import per_text
from tilth.store import Cache

KINDS = ("residue", "mash", "test", "automatic", "bulk", "wordless")
_RARE = frozenset({"automatic", "bulk", "test"})
"""Kinds that are junk only where they are few, for a corpus may be about them."""
_SHARE, _FEWEST = 0.01, 5
"""Of all rows, and at least so many: a corpus with more of a kind is about it."""
_OF_LABEL, _FEWEST_OF_LABEL = 0.2, 3
"""Of a label's rows, and at least so many: a label with more of a kind means it."""
_LONGEST = 5000
_FEW, _LEAST = 2, 0.3
"""A text is wordless with fewer words than this when they are a smaller share of its signs than that."""
_MASH = 0.4
"""Share of a text's letters."""

_MARKUP = re.compile(
    r"<!--.*?-->|<[a-z/!][^>]*>|&#?\w+;"  # HTML
    r"|https?://\S*|www\.\S*|(?<![\w.-])[\w.-]+\.[a-z]{2,}/\S*|(?<![^\s@])[^\s@]{1,64}@[^\s@]{1,255}\.\w+"  # addresses
    r"|\[(?:image|cid|inline|attachment)\b[^\]]*\]"
    r"|\b[\w-]+\.(?:jpe?g|png|gif|bmp|heic|webp|pdf|docx?|xlsx?|zip|mp[34]|mov)\b"
    r"|^>+ ?|^(?:on|le|am|el|il) .{8,80}(?:wrote|a écrit|schrieb|escribió|ha scritto)\s*:"
    r"|unsubscribe|view in (?:your )?browser",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_WORD = re.compile(r"[^\W_]+(?:[’'.-][^\W_]+)*")
_PRINTED = r"undefined|null|nan|\[object object\]|\(null\)|<na>|#n/a|#ref!|#value!|#name\?|#div/0!"
_RESIDUE = re.compile(
    rf"^(?:(?:{_PRINTED})[\s,;|]*)+$|\[object object\]|lorem ipsum"
    r"|^(?:hi|hello|dear|hey)?[\s,]*"
    r"(?:\{\{.{1,40}?\}\}|\$\{.{1,40}?\}|\*\|\w+\|\*|\{!.{1,40}?\}|%%\w+%%|\[(?:first |last )?name\])",
    re.IGNORECASE,
)


def kinds(texts: Sequence[str], not_gold: np.ndarray, cache: Cache) -> tuple[np.ndarray, np.ndarray]:
    """The kind of junk that each text is, None for what is none; and the share of its signs that are words.

    Args:
        texts: one a row.
        not_gold: boolean, shape (rows,); these rows alone show which words the corpus has.
        cache: keeps what is found of a text.

    Returns:
        An object array and a float64 array, each of shape (rows,).
    """
    shown = [text[:_LONGEST] for text in texts]
    mashed = keyboard.mashed_words(text for text, counts in zip(shown, not_gold, strict=True) if counts)
    found = per_text(cache, "junk", shown, _kinds, mashed, key=tuple(mashed))
    names = np.array([None, *KINDS], dtype=object)
    return names[found[:, 0].astype(int)], found[:, -1].astype(np.float64)


def unwanted(kinds: np.ndarray, frame: pd.DataFrame, not_gold: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Which rows are junk: those of any kind but the ones that this corpus, or one of its labels, is about.

    A mailbox has a few automatic replies; where offers, automatic replies or tests are more than 1% of the rows,
    somebody may want them told apart from the rest, not set aside. A kind that makes up a fifth of some label's rows
    is what the label means.

    Args:
        kinds: as `kinds` gives them, shape (rows,).
        frame: the table.
        not_gold: boolean, shape (rows,); these rows alone decide.

    Returns:
        A boolean mask, shape (rows,), and the kinds that are no junk here.
    """
    wanted = []
    given = [str(name) for name in frame.columns if str(name).endswith("_given") and not str(name).startswith("meta.")]
    for kind in KINDS:
        of_kind = (kinds == kind) & not_gold
        many = kind in _RARE and of_kind.sum() >= _FEWEST and of_kind.sum() > _SHARE * not_gold.sum()
        if many or any(_means(of_kind[not_gold], frame[name][not_gold]) for name in given):
            wanted.append(kind)
    return np.array([kind is not None and kind not in wanted for kind in kinds], dtype=bool), wanted


def _means(of_kind: np.ndarray, given: pd.Series) -> bool:
    """Whether enough of some label's rows are of the kind."""
    rows, counts = given.value_counts(), given[of_kind].value_counts()
    return bool(((counts >= _FEWEST_OF_LABEL) & (counts > _OF_LABEL * rows.reindex(counts.index))).any())


def _kinds(texts: Sequence[str], mashed: frozenset[str]) -> np.ndarray:
    """Each text's kind, counted from 1 as `KINDS` has them, 0 for none; and the share of its signs that are words."""
    found = [_kind(text, mashed) for text in texts]
    return np.array([(0 if kind is None else KINDS.index(kind) + 1, share) for kind, share in found], dtype=np.float32)


def _kind(text: str, mashed: frozenset[str]) -> tuple[str | None, float]:
    bare = " ".join(text.split())
    if not bare:  # empty texts have a check of their own
        return None, 0.0
    words = [word for word in _WORD.findall(_MARKUP.sub(" ", text)) if _is_word(word)]
    mash = [word for word in words if keyboard.is_mashed(word, mashed)]
    letters, lost = sum(map(_letters, words)), sum(map(_letters, mash))
    share = min(1.0, (letters - lost) / max(1, len(bare.replace(" ", ""))))
    count = sum(map(_word_count, words)) - len(mash)
    signs = {
        "residue": _RESIDUE.search(bare),
        "mash": lost > _MASH * letters or keyboard.is_held_key(bare),
        "test": phrases.test(bare),
        "automatic": phrases.automatic(text.strip()),
        "bulk": phrases.bulk(bare),
        "wordless": count < _FEW and share < _LEAST,
    }
    return next((kind for kind in KINDS if signs[kind]), None), share


def _letters(word: str) -> int:
    """Letters and the vowel signs that many scripts write beside them."""
    return sum(unicodedata.category(sign)[0] in "LM" for sign in word)


def _is_word(word: str) -> bool:
    """Whether it may be a word: two letters, or one of a script that writes no alphabet; not a code of many digits."""
    letters, digits = _letters(word), sum(map(str.isdigit, word))
    return digits < max(4, letters) and (letters >= 2 or (letters == 1 and ord(word[0]) > 0x590))


def _word_count(word: str) -> int:
    """How many words it counts for: in scripts without spaces each two signs are one."""
    return max(1, sum(ord(sign) > 0x2E7F for sign in word) // 2)
