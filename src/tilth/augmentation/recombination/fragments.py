"""Fragments of texts, and the places between words where one fits in another's stead."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.augmentation.text import BEGIN, END, WORD_PATTERN, Word, find_slots, uncased, with_boundaries

_SPAN = 8  # words of a span at most


Span = tuple[str, ...]


Sides = tuple[str, str]


SpansByFirstWord = dict[str, set[Span]]
"""Spans by their first words."""


@dataclass(frozen=True)
class ReplaceableSite:
    """A span of a source's words that may be replaced: the places of its words, and its plain words and sides."""

    start: int
    end: int
    old: Span
    sides: Sides


def uncased_words(text: str) -> list[str]:
    """The words without marks at the end, which follow the source."""
    return _open_ended([uncased(word) for word in WORD_PATTERN.findall(text)])


def _spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _SPAN) + 1):
            yield start, end


def _sides(words: Sequence[str], start: int, end: int) -> tuple[str, str]:
    """The words before and after a span, or the text's ends."""
    return words[start - 1] if start else BEGIN, words[end] if end < len(words) else END


def _environment(words: Sequence[str], start: int, end: int) -> Span:
    """The word before and two after."""
    whole = with_boundaries(words)
    return (whole[start], *whole[end + 1 : end + 3])


def spelled_words(words: Sequence[Word]) -> list[str]:
    """A source's words as `uncased_words` gives a text's; slots are one word."""
    return _open_ended([uncased(word.text) for word in words])


def _open_ended(words: list[str]) -> list[str]:
    while words and not words[-1][:1].isalnum():
        words.pop()
    return words


def replaceable_sites(words: Sequence[Word]) -> list[ReplaceableSite]:
    """Spans of free words that are not the whole text."""
    spelled, sites = spelled_words(words), []
    for start, end in _spans(spelled):
        if end - start < len(spelled) and not any(word.fixed for word in words[start:end]):
            sites.append(ReplaceableSite(start, end, tuple(spelled[start:end]), _sides(spelled, start, end)))
    return sites


def spans_between(wanted: set[Sides], texts: Sequence[Sequence[str]]) -> dict[Sides, SpansByFirstWord]:
    """What stands between each of the wanted sides."""
    spans: dict[Sides, SpansByFirstWord] = {sides: defaultdict(set) for sides in wanted}
    for words in texts:
        for start, end in _spans(words):
            sides = _sides(words, start, end)
            if sides in spans:
                spans[sides][words[start]].add(tuple(words[start:end]))
    return spans


@functools.lru_cache(maxsize=100_000)
def is_ordinary(span: Span) -> bool:
    """Whether a span holds neither slots nor marks."""
    return all(word[0].isalpha() for word in span) and not find_slots(" ".join(span))


class SharedEnvironments:
    """In how many environments of the corpus two spans both occur."""

    def __init__(
        self, old: set[Span], between: Mapping[Sides, SpansByFirstWord], texts: Sequence[Sequence[str]]
    ) -> None:
        wanted = old.union(*(spans for firsts in between.values() for spans in firsts.values()))
        self._around: dict[Span, set[int]] = defaultdict(set)
        numbers: dict[Span, int] = {}  # a tuple's hash is computed each time, a number's is itself
        for words in texts:
            for start, end in _spans(words):
                span = tuple(words[start:end])
                if span in wanted:
                    self._around[span].add(numbers.setdefault(_environment(words, start, end), len(numbers)))
        self._counts: dict[tuple[Span, Span], int] = {}

    def __call__(self, one: Span, two: Span) -> int:
        """How many environments the two share."""
        if (one, two) not in self._counts:
            self._counts[one, two] = len(self._around.get(one, set()) & self._around.get(two, set()))
        return self._counts[one, two]


class TrigramJoints:
    """Which words may begin or end a replacement, so that it makes no three words in a row that nobody wrote.

    What it makes with one neighboring word was written, for it stood between the same two; with two neighboring words
    that must be looked up.
    """

    def __init__(self, trigrams: Iterable[Iterable[tuple[str, ...]]]) -> None:
        self._after: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._before: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one, two, three in itertools.chain.from_iterable(trigrams):
            self._after[one, two].add(three)
            self._before[two, three].add(one)

    def around(self, whole: Sequence[str], start: int, end: int) -> tuple[set[str] | None, set[str] | None]:
        """First and last words that fit in place of a span of the words in `whole`, with its ends; None for any."""
        first = self._after.get((whole[start - 1], whole[start]), set()) if start else None
        last = self._before.get((whole[end + 1], whole[end + 2]), set()) if end + 2 < len(whole) else None
        return first, last
