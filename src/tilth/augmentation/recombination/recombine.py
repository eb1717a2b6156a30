"""Candidates by recombination: one or two spans of a source give way to what other texts say between the same words.

Fragments that occur in the same environments may stand for each other (Andreas 2020, "Good-enough compositional data
augmentation"). A denoiser of this size goes wrong where it fills a span word by word; here each span was written by a
person, and so were each three words in a row where it joins its source.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.augmentation.recombination.fragments import (
    ByFirst,
    Sides,
    Span,
    _between,
    _Joints,
    _ordinary,
    _plain_words,
    _Shared,
    _sites,
    _spelled,
)
from tilth.augmentation.text import Piece, Word, bounded, in_a_row, stem, write

_READ = 20_000  # texts at most that spans are taken from: more would say little new, and cost
_LONGER = 4  # words by which a replacement may be longer; beyond that it tells something new
_SHARED = 3
"""Environments that both spans occur in at least. Of recombinations of clinc150 that passed the gate, 38 of 49 read
without a mistake from two on, and 43 of 47 from four on, which are half as many."""
_CHANGED = 0.3
"""Share of both texts' words and marks that the other has not in its place: with less it is hardly a paraphrase."""
_PAIRED = 40  # swaps of a source that are tried two at a time
_APART = 2  # words at least between two swaps, so that three in a row that are attested for each are for both


@dataclass(frozen=True)
class Recombined:
    """A paraphrase, and the share of its source's words that were replaced."""

    text: str
    share: float


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
        casing: Spelling of words in the corpus, by `tilth.augmentation.text.detokenizer.spellings`.
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
