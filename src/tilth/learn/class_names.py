"""The texts that stand for classes: a name in words, and the sentence that `[data.definitions]` gives it.

"card_arrival" is read as "card arrival".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tilth.samples import Task
from tilth.store import digest

_PARTS = re.compile(r"[_\-./:|+]+|(?<=[a-zß-öø-ÿ0-9])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])|\s+")


@dataclass(frozen=True, kw_only=True)
class ClassTexts:
    """Texts that stand for a task's classes.

    Attributes:
        texts: several of a class, or none.
        codes: their classes, shape (texts,).
        always: whether they are learned from unmeasured.
    """

    texts: tuple[str, ...]
    codes: np.ndarray
    always: bool = False

    def __len__(self) -> int:
        return len(self.texts)

    def of_classes(self, codes: np.ndarray) -> ClassTexts:
        """Those of the classes that a row has, -1 for none, shape (rows,): a class without any is never answered."""
        chosen = np.flatnonzero(np.isin(self.codes, codes)).tolist()
        return replace(self, texts=tuple(self.texts[place] for place in chosen), codes=self.codes[chosen])

    @property
    def fingerprint(self) -> str:
        """Digest of all that a model learns from them."""
        return digest(self.codes.tobytes(), str(self.always), *self.texts)


def class_texts(tasks: Sequence[Task], definitions: Mapping[str, str], wanted: str) -> dict[str, ClassTexts]:
    """The texts of each task's classes; none of tasks whose names and definitions hold no words.

    Args:
        tasks: of the night.
        definitions: class → a sentence on it.
        wanted: `auto`, `always` or `never`.
    """
    if wanted == "never":
        return {}
    found = {}
    for task in tasks:
        names = [name_in_words(label) for label in task.labels]
        counts = Counter(map(_words, names))
        named = [name if _words(name) and counts[_words(name)] == 1 else "" for name in names]
        pairs = [
            (text, code)
            for code, label in enumerate(task.labels)
            for text in (named[code], definitions.get(label, ""))
            if text
        ]
        if len({code for _, code in pairs}) > 1:
            texts, codes = zip(*pairs, strict=True)
            found[task.name] = ClassTexts(texts=texts, codes=np.array(codes), always=wanted == "always")
    return found


def name_in_words(label: str) -> str:
    """A class's name as a person would say it.

    >>> name_in_words("card_arrival"), name_in_words("cancelOrder"), name_in_words("top-up/HTMLPage")
    ('card arrival', 'cancel Order', 'top up HTML Page')
    """
    return " ".join(part for part in _PARTS.split(label) if part)


def _words(name: str) -> frozenset[str]:
    """The words of a name that are no number, code or single letter, by which it is told from others.

    >>> sorted(_words("level 2 support a")), _words("A1"), _words("0")
    (['level', 'support'], frozenset(), frozenset())
    """
    letters = (re.sub(r"[^\w]|_", "", word).casefold() for word in name.split())
    return frozenset(word for word in letters if sum(map(str.isalpha, word)) > 1 and not re.search(r"\d", word))
