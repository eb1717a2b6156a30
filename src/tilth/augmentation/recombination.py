"""Candidates by recombination: a span of a source gives way to what other texts say between the same words.

Fragments that occur in the same environments may stand for each other (Andreas 2020, "Good-enough compositional data
augmentation"). A denoiser of this size goes wrong where it fills a span word by word; here each span was written by a
person, and so was each pair and triple of words where it joins its source.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.augmentation.slots import find_slots
from tilth.augmentation.wording import WORD, Piece, Word, plain, write

_SIDE = 2  # words on each side that a span and what replaces it have in common
_SPAN = 8  # words of a span at most
_LONGER = 4  # words by which a replacement may be longer; beyond that it tells something new
_SHARED = 2
"""Environments that both spans occur in: of paraphrases by spans that share one alone, 13 of 30 read wrong."""
_CHANGED = 0.3
"""Share of both texts' words and marks that the other has not in its place: with less it is hardly a paraphrase."""
_BEGIN, _END = "^", "$"

Span = tuple[str, ...]


@dataclass(frozen=True)
class Recombined:
    """A paraphrase, and the share of its source's words that were replaced."""

    text: str
    share: float


@dataclass(frozen=True)
class _Site:
    """A span of a source's words that may be replaced: the places of its words, and its plain words and sides."""

    start: int
    end: int
    old: Span
    sides: tuple[Span, Span]


def recombined(
    sources: Sequence[str],
    words: Sequence[Sequence[Word]],
    corpus: Iterable[str],
    casing: Mapping[str, str],
    limit: int,
) -> list[list[Recombined]]:
    """For each source at most `limit` recombinations, those whose spans share most environments first.

    Args:
        sources: The texts.
        words: Their words; those that are fixed stay.
        corpus: Texts that spans are taken from.
        casing: Spelling of words in the corpus, by `tilth.augmentation.wording.spellings`.
        limit: Recombinations of each source.
    """
    if not limit:
        return [[] for _ in sources]
    texts = [_plain_words(text) for text in corpus]
    sites = [_sites(found) for found in words]
    between = _between({site.sides for one in sites for site in one}, texts)
    shared = _Shared({site.old for one in sites for site in one}, between, texts)
    return [
        _best(text, found, one, between, shared, casing, limit)
        for text, found, one in zip(sources, words, sites, strict=True)
    ]


def _plain_words(text: str) -> list[str]:
    """The words without marks at the end, which follow the source."""
    found = [plain(word) for word in WORD.findall(text)]
    while found and not found[-1][0].isalnum():
        found.pop()
    return found


def _spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _SPAN) + 1):
            yield start, end


def _sides(words: Sequence[str], start: int, end: int) -> tuple[Span, Span]:
    bounded = [_BEGIN, *words, _END]
    return tuple(bounded[max(0, start + 1 - _SIDE) : start + 1]), tuple(bounded[end + 1 : end + 1 + _SIDE])


def _environment(words: Sequence[str], start: int, end: int) -> Span:
    """The word before and two after: narrower than `_sides`, so that rare spans share some too."""
    bounded = [_BEGIN, *words, _END]
    return (bounded[start], *bounded[end + 1 : end + 1 + _SIDE])


def _sites(words: Sequence[Word]) -> list[_Site]:
    """Spans of free words with two words or more at their sides."""
    spelled = [plain(word.text) for word in words]
    while spelled and not spelled[-1][:1].isalnum():
        spelled.pop()
    found = []
    for start, end in _spans(spelled):
        sides = _sides(spelled, start, end)
        real = sum(word not in (_BEGIN, _END) for side in sides for word in side)
        if real >= _SIDE and not any(word.fixed for word in words[start:end]):
            found.append(_Site(start, end, tuple(spelled[start:end]), sides))
    return found


def _between(wanted: set[tuple[Span, Span]], texts: Sequence[Sequence[str]]) -> dict[tuple[Span, Span], set[Span]]:
    """What stands between each of the wanted sides, slots and marks left out."""
    found: dict[tuple[Span, Span], set[Span]] = defaultdict(set)
    for words in texts:
        for start, end in _spans(words):
            sides = _sides(words, start, end)
            if sides in wanted:
                found[sides].add(tuple(words[start:end]))
    ordinary = {span: _ordinary(span) for spans in found.values() for span in spans}
    return {sides: {span for span in spans if ordinary[span]} for sides, spans in found.items()}


def _ordinary(span: Span) -> bool:
    return all(word[0].isalpha() for word in span) and not find_slots(" ".join(span))


class _Shared:
    """In how many environments of the corpus two spans both occur."""

    def __init__(
        self, old: set[Span], between: Mapping[tuple[Span, Span], set[Span]], texts: Sequence[Sequence[str]]
    ) -> None:
        wanted = old.union(*between.values())
        self._around: dict[Span, set[Span]] = defaultdict(set)
        for words in texts:
            for start, end in _spans(words):
                span = tuple(words[start:end])
                if span in wanted:
                    self._around[span].add(_environment(words, start, end))
        self._known: dict[tuple[Span, Span], int] = {}

    def __call__(self, one: Span, two: Span) -> int:
        if (one, two) not in self._known:
            self._known[one, two] = len(self._around.get(one, set()) & self._around.get(two, set()))
        return self._known[one, two]


def _changed(old: Span, new: Span, words: int) -> bool:
    """Whether a text of so many words and marks changes enough; equal words at both spans' ends do not count."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    gone, come = len(old) - same - tail, len(new) - same - tail
    return gone + come >= _CHANGED * (2 * words - len(old) + len(new))


def _best(
    source: str,
    words: Sequence[Word],
    sites: Sequence[_Site],
    between: Mapping[tuple[Span, Span], set[Span]],
    shared: _Shared,
    casing: Mapping[str, str],
    limit: int,
) -> list[Recombined]:
    found = Counter[tuple[int, int, Span]]()
    for site in sites:
        for new in between.get(site.sides, ()):
            if new != site.old and len(new) <= len(site.old) + _LONGER and _changed(site.old, new, len(words)):
                count = shared(site.old, new)
                if count >= _SHARED:
                    found[site.start, site.end, new] = count
    texts: dict[str, float] = {}
    for (start, end, new), _ in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        if len(texts) == limit:
            break
        pieces = [*map(Piece, words[:start]), Piece(None, new), *map(Piece, words[end:])]
        texts.setdefault(write(pieces, source, casing), (end - start) / len(words))
    return [Recombined(text, share) for text, share in texts.items()]
