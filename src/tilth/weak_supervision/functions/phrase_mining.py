"""Mine labeled rows for phrases that give a label away, and write them down as labeling functions."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.samples import Task
from tilth.text import normal_form, word_count
from tilth.weak_supervision.functions.accuracy_bounds import wilson_lower_bound
from tilth.weak_supervision.functions.phrases import phrases_of, whole_phrases

FEWEST = 3
"""Labeled rows that a phrase has to be in; one or two may be chance."""
AT_MOST = 8
"""Phrases of one function; a person has to read them."""
MINED_FILE_HEADER = '''"""Phrases mined from labeled rows; read them, and throw out what is right by chance."""

from __future__ import annotations

import re
from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "{task}"
'''
_FUNCTION = """

# {figures}
@tilth.examples(
    hits=[
        {hits},
    ],
    misses=[
        {misses},
    ],
)
@labeling_function()
def {name}(x: SimpleNamespace) -> str | None:
    return {label} if re.search({pattern}, x.text, re.IGNORECASE) else None
"""


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A phrase, and how it did on labeled rows.

    Attributes:
        words: in lower case, parted by one space.
        rows: positions of all rows that hold it.
        right: labeled rows that hold it and have the label.
        labeled: labeled rows that hold it.
    """

    words: str
    rows: frozenset[int]
    right: int
    labeled: int

    @property
    def precision_bound(self) -> float:
        """The lower end of the precision's 95% interval (Wilson 1927)."""
        return wilson_lower_bound(self.right, self.labeled)


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A labeling function that could be written.

    Attributes:
        label: what it would vote for.
        phrases: any of which it would look for, best first.
        rows: positions of all rows that it would vote on.
        uncovered: of those, how many no present function votes on.
        right: labeled rows on which it would be right.
        labeled: labeled rows on which it would vote.
    """

    label: str
    phrases: tuple[str, ...]
    rows: tuple[int, ...]
    uncovered: int
    right: int
    labeled: int


def suggest_functions(
    texts: Sequence[str], codes: np.ndarray, task: Task, covered: np.ndarray, *, precision: float = 0.9
) -> list[Suggestion]:
    """At most one function a label, of the phrases that are right often enough.

    Args:
        texts: of train and unlabeled rows; never gold.
        codes: their labels by place, -1 where there is none, shape (rows,).
        task: the labels.
        covered: boolean, shape (rows,): a present function votes on the row.
        precision: share of labeled rows on which a phrase has to be right.
    """
    phrases = _phrases([normal_form(text, str.lower) for text in texts], codes, precision)
    suggestions = [
        _suggestion(label, phrases[code], texts, codes, code, covered) for code, label in enumerate(task.labels)
    ]
    return sorted((one for one in suggestions if one is not None), key=lambda one: -one.uncovered)


def _phrases(forms: Sequence[str], codes: np.ndarray, precision: float) -> dict[int, list[Phrase]]:
    """The phrases of each label that are right often enough, the most precise first."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for row in np.flatnonzero(codes >= 0).tolist():
        for phrase in set(phrases_of(forms[row])):
            counts[phrase][int(codes[row])] += 1
    likeliest = {
        phrase: max(by_code.items(), key=lambda item: (item[1], -item[0])) for phrase, by_code in counts.items()
    }
    rows_with: dict[str, set[int]] = {
        phrase: set()
        for phrase, (_, right) in likeliest.items()
        if right >= FEWEST and right >= precision * counts[phrase].total()
    }
    for row, form in enumerate(forms):  # few phrases are left, and so few rows of each need be kept
        for phrase in rows_with.keys() & set(phrases_of(form)):
            rows_with[phrase].add(row)
    precise: dict[int, list[Phrase]] = defaultdict(list)
    for phrase, rows in rows_with.items():
        (code, right), labeled = likeliest[phrase], counts[phrase].total()
        precise[code].append(Phrase(words=phrase, rows=frozenset(rows), right=right, labeled=labeled))
    for phrases in precise.values():
        # Of those of equal precision, short phrases of long words: "refund" rather than "my".
        phrases.sort(key=lambda one: (-one.precision_bound, one.words.count(" "), -len(one.words), one.words))
    return precise


def _suggestion(
    label: str, phrases: Sequence[Phrase], texts: Sequence[str], codes: np.ndarray, code: int, covered: np.ndarray
) -> Suggestion | None:
    """The phrases that add rows of the label to those before them, as one function."""
    chosen: list[Phrase] = []
    reached: set[int] = set()
    for phrase in phrases:
        adds = sum(1 for row in phrase.rows - reached if codes[row] == code)
        if adds >= 2 and len(chosen) < AT_MOST:  # one more row is no gain worth reading for
            chosen.append(phrase)
            reached |= phrase.rows
    if not chosen:
        return None
    compiled = re.compile(whole_phrases([one.words for one in chosen]), re.IGNORECASE)
    rows = [row for row, text in enumerate(texts) if compiled.search(text)]
    labeled = [row for row in rows if codes[row] >= 0]
    return Suggestion(
        label=label,
        phrases=tuple(one.words for one in chosen),
        rows=tuple(rows),
        uncovered=sum(1 for row in rows if not covered[row]),
        right=sum(1 for row in labeled if codes[row] == code),
        labeled=len(labeled),
    )


def function_source(
    suggestion: Suggestion, texts: Sequence[str], codes: np.ndarray, code: int, name: str | None = None
) -> str:
    """The source of a suggested function, with examples from labeled rows, ready to paste.

    Args:
        suggestion: what it looks for.
        texts: those that it was mined from.
        codes: their labels by place, -1 where there is none.
        code: the place of its own label.
        name: the function's name; default: from the label.
    """
    rows = set(suggestion.rows)
    hits = _shortest(texts[row] for row in sorted(rows) if codes[row] == code)
    others = (row for row in range(len(texts)) if row not in rows and codes[row] not in (-1, code))
    misses = _shortest(texts[row] for row in others)
    expression = whole_phrases(suggestion.phrases)
    figures = (
        f"{suggestion.label}: votes on {len(rows)} of {len(texts)} rows, {suggestion.uncovered} of them new; "
        f"right on {suggestion.right} of {suggestion.labeled} labeled ones"
    )
    return _FUNCTION.format(
        figures=figures,
        hits=",\n        ".join(map(quoted, hits)),
        misses=",\n        ".join(map(quoted, misses)),
        name=name or function_name(suggestion.label),
        label=quoted(suggestion.label),
        pattern=f'r"{expression}"',
    )


def function_name(label: str, taken: Collection[str] = ()) -> str:
    """A function's name after a label, one that Python allows and that is not taken.

    >>> function_name("Card lost"), function_name("2fa"), function_name("2 fa", {"label_2_fa_phrases"})
    ('card_lost_phrases', 'label_2fa_phrases', 'label_2_fa_phrases_2')
    """
    name = re.sub(r"\W+", "_", f"{label}_phrases").strip("_").lower()
    name = name if name.isidentifier() else f"label_{name}"
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _shortest(texts: Iterable[str]) -> list[str]:
    """Two short texts, of four words or more where there are any: shorter ones show little."""
    return sorted(texts, key=lambda text: (word_count(text) < 4, len(text)))[:2]


def quoted(text: str) -> str:
    """A text as a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)
