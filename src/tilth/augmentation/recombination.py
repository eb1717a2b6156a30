"""Candidates by recombination: one or two spans of a source give way to what other texts say between the same words.

Fragments that occur in the same environments may stand for each other (Andreas 2020, "Good-enough compositional data
augmentation"). A denoiser of this size goes wrong where it fills a span word by word; here each span was written by a
person, and so were each three words in a row where it joins its source.
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.augmentation.attestation import BEGIN, END, bounded, in_a_row
from tilth.augmentation.meaning import stem
from tilth.augmentation.slots import find_slots
from tilth.augmentation.wording import WORD, Piece, Word, plain, write

_READ = 20_000  # texts at most that spans are taken from: more would say little new, and cost
_SPAN = 8  # words of a span at most
_LONGER = 4  # words by which a replacement may be longer; beyond that it tells something new
_SHARED = 3
"""Environments that both spans occur in at least. Of recombinations of clinc150 that passed the gate, 38 of 49 read
without a mistake from two on, and 43 of 47 from four on, which are half as many."""
_CHANGED = 0.3
"""Share of both texts' words and marks that the other has not in its place: with less it is hardly a paraphrase."""
_PAIRED = 40  # swaps of a source that are tried two at a time
_APART = 2  # words at least between two swaps, so that three in a row that are attested for each are for both

Span = tuple[str, ...]
Sides = tuple[str, str]
ByFirst = dict[str, set[Span]]
"""Spans by their first words."""


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
    sides: Sides


def recombined(
    sources: Sequence[str],
    words: Sequence[Sequence[Word]],
    keep: Sequence[Sequence[str]],
    corpus: Iterable[str],
    casing: Mapping[str, str],
    limits: Sequence[int],
) -> list[list[Recombined]]:
    """Recombinations of each source, those whose spans share most environments first.

    Args:
        sources: The texts.
        words: Their words; those that are fixed stay.
        keep: For each, words that stay too, in one of their forms.
        corpus: Texts that spans are taken from.
        casing: Spelling of words in the corpus, by `tilth.augmentation.wording.spellings`.
        limits: For each, how many at most.
    """
    if not any(limits):
        return [[] for _ in sources]
    every = sorted(set(corpus))
    texts = [_plain_words(text) for text in every[:: 1 + len(every) // _READ]]
    joints = _Joints(in_a_row(bounded(own), 3) for own in (*texts, *map(_spelled, words)))
    sites = [site for found in words for site in _sites(found)]
    between = _between({site.sides for site in sites}, texts)
    shared = _Shared({site.old for site in sites}, between, texts)
    return [
        _best(text, found, _swaps(found, set(map(stem, kept)), between, shared, joints), casing, limit)
        for text, found, kept, limit in zip(sources, words, keep, limits, strict=True)
    ]


def _plain_words(text: str) -> list[str]:
    """The words without marks at the end, which follow the source."""
    return _open_ended([plain(word) for word in WORD.findall(text)])


def _spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _SPAN) + 1):
            yield start, end


def _sides(words: Sequence[str], start: int, end: int) -> tuple[str, str]:
    """The words before and after a span, or the text's ends."""
    return words[start - 1] if start else BEGIN, words[end] if end < len(words) else END


def _environment(words: Sequence[str], start: int, end: int) -> Span:
    """The word before and two after."""
    whole = bounded(words)
    return (whole[start], *whole[end + 1 : end + 3])


def _spelled(words: Sequence[Word]) -> list[str]:
    """A source's words as `_plain_words` gives a text's; slots are one word."""
    return _open_ended([plain(word.text) for word in words])


def _open_ended(words: list[str]) -> list[str]:
    while words and not words[-1][:1].isalnum():
        words.pop()
    return words


def _sites(words: Sequence[Word]) -> list[_Site]:
    """Spans of free words that are not the whole text."""
    spelled, found = _spelled(words), []
    for start, end in _spans(spelled):
        if end - start < len(spelled) and not any(word.fixed for word in words[start:end]):
            found.append(_Site(start, end, tuple(spelled[start:end]), _sides(spelled, start, end)))
    return found


def _between(wanted: set[Sides], texts: Sequence[Sequence[str]]) -> dict[Sides, ByFirst]:
    """What stands between each of the wanted sides."""
    found: dict[Sides, ByFirst] = {sides: defaultdict(set) for sides in wanted}
    for words in texts:
        for start, end in _spans(words):
            sides = _sides(words, start, end)
            if sides in found:
                found[sides][words[start]].add(tuple(words[start:end]))
    return found


@functools.lru_cache(maxsize=100_000)
def _ordinary(span: Span) -> bool:
    """Whether a span holds neither slots nor marks."""
    return all(word[0].isalpha() for word in span) and not find_slots(" ".join(span))


class _Shared:
    """In how many environments of the corpus two spans both occur."""

    def __init__(self, old: set[Span], between: Mapping[Sides, ByFirst], texts: Sequence[Sequence[str]]) -> None:
        wanted = old.union(*(spans for firsts in between.values() for spans in firsts.values()))
        self._around: dict[Span, set[int]] = defaultdict(set)
        numbers: dict[Span, int] = {}  # a tuple's hash is worked out each time, a number's is at hand
        for words in texts:
            for start, end in _spans(words):
                span = tuple(words[start:end])
                if span in wanted:
                    self._around[span].add(numbers.setdefault(_environment(words, start, end), len(numbers)))
        self._known: dict[tuple[Span, Span], int] = {}

    def __call__(self, one: Span, two: Span) -> int:
        if (one, two) not in self._known:
            self._known[one, two] = len(self._around.get(one, set()) & self._around.get(two, set()))
        return self._known[one, two]


class _Joints:
    """Which words may begin or end a replacement, so that it makes no three words in a row that nobody wrote.

    What it makes with one word beside it was written, for it stood between the same two; with two beside it that must
    be looked up.
    """

    def __init__(self, attested: Iterable[Iterable[tuple[str, ...]]]) -> None:
        self._after: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._before: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one, two, three in itertools.chain.from_iterable(attested):
            self._after[one, two].add(three)
            self._before[two, three].add(one)

    def around(self, whole: Sequence[str], start: int, end: int) -> tuple[set[str] | None, set[str] | None]:
        """First and last words that fit in place of a span of the words in `whole`, which is bounded; None for any."""
        first = self._after.get((whole[start - 1], whole[start]), set()) if start else None
        last = self._before.get((whole[end + 1], whole[end + 2]), set()) if end + 2 < len(whole) else None
        return first, last


@dataclass(frozen=True)
class _Swap:
    """A span of a source, what it gives way to, in how many environments both occur, and how many words move."""

    start: int
    end: int
    new: Span
    shared: int
    moved: int

    @property
    def longer(self) -> int:
        return len(self.new) - (self.end - self.start)


def _moved(old: Span, new: Span) -> int:
    """Words that go and words that come; equal ones at both spans' ends stay."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return len(old) + len(new) - 2 * (same + tail)


def _swaps(
    words: Sequence[Word], keep: set[str], between: Mapping[Sides, ByFirst], shared: _Shared, joints: _Joints
) -> list[_Swap]:
    """What may be put into a source, each span and replacement once, those that share most first."""
    whole, found = bounded(_spelled(words)), []
    for site in _sites(words):
        kept = keep & set(map(stem, site.old))
        first, last = joints.around(whole, site.start, site.end)
        there = between[site.sides]
        for new in itertools.chain.from_iterable(
            there[word] for word in (there if first is None else first & there.keys())
        ):
            if last is not None and new[-1] not in last:
                continue
            if new == site.old or len(new) > len(site.old) + _LONGER or (kept and not kept <= set(map(stem, new))):
                continue
            count = shared(site.old, new)
            if count >= _SHARED and _ordinary(new):
                found.append(_Swap(site.start, site.end, new, count, _moved(site.old, new)))
    return sorted(found, key=lambda one: (-one.shared, one.start, one.end, one.new))


def _chosen(swaps: Sequence[_Swap], words: int) -> Iterator[tuple[_Swap, ...]]:
    """Swaps that change enough of a text of so many words and marks: one by itself, then two apart from each other."""

    def enough(*made: _Swap) -> bool:
        return sum(one.moved for one in made) >= _CHANGED * (2 * words + sum(one.longer for one in made))

    yield from ((one,) for one in swaps if enough(one))
    pairs = [
        (one, two)
        for one, two in itertools.permutations(swaps[:_PAIRED], 2)
        if one.end + _APART <= two.start and enough(one, two)
    ]
    yield from sorted(pairs, key=lambda pair: -min(one.shared for one in pair))


def _best(
    source: str, words: Sequence[Word], swaps: Sequence[_Swap], casing: Mapping[str, str], limit: int
) -> list[Recombined]:
    texts: dict[str, float] = {}
    for made in _chosen(swaps, len(words)):
        if len(texts) == limit:
            break
        pieces: list[Piece] = []
        done = 0
        for one in made:
            pieces += [*map(Piece, words[done : one.start]), Piece(None, one.new)]
            done = one.end
        pieces += map(Piece, words[done:])
        texts.setdefault(write(pieces, source, casing), sum(one.end - one.start for one in made) / len(words))
    return [Recombined(text, share) for text, share in texts.items()]
