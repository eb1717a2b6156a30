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
    SharedEnvironments,
    Sides,
    Span,
    SpansByFirstWord,
    TrigramJoints,
    is_ordinary,
    replaceable_sites,
    spans_between,
    spelled_words,
    uncased_words,
)
from tilth.augmentation.text import Piece, Word, detokenize, stem, with_boundaries, word_ngrams

_MAX_TEXTS = 20_000  # texts at most that spans are taken from: more would say little new, and cost
_MAX_ADDED_WORDS = 4  # words by which a replacement may be longer; beyond that it says something new
_MIN_SHARED = 3
"""Environments that both spans occur in at least. Of recombinations of clinc150 that passed the gate, 38 of 49 read
without a mistake from two on, and 43 of 47 from four on, which are half as many."""
_MIN_CHANGED = 0.3
"""Share of both texts' words and marks that the other has not in its place: with less it is hardly a paraphrase."""
_MAX_PAIRED = 40  # swaps of a source that are tried two at a time
_MIN_APART = 2  # words at least between two swaps, so that three in a row that are attested for each are for both


@dataclass(frozen=True)
class RecombinedText:
    """A paraphrase, and the share of its source's words that were replaced."""

    text: str
    share: float


def recombine_texts(
    sources: Sequence[str],
    words: Sequence[Sequence[Word]],
    keep: Sequence[Sequence[str]],
    corpus: Iterable[str],
    casing: Mapping[str, str],
    limits: Sequence[int],
) -> list[list[RecombinedText]]:
    """Recombinations of each source, those whose spans share most environments first.

    Args:
        sources: The texts.
        words: Their words; those that are fixed stay.
        keep: For each, words that stay too, in one of their forms.
        corpus: Texts that spans are taken from.
        casing: Spelling of words in the corpus, by `tilth.augmentation.text.corpus_spellings`.
        limits: For each, how many at most.
    """
    if not any(limits):
        return [[] for _ in sources]
    unique = sorted(set(corpus))
    texts = [uncased_words(text) for text in unique[:: 1 + len(unique) // _MAX_TEXTS]]
    joints = TrigramJoints(word_ngrams(with_boundaries(each), 3) for each in (*texts, *map(spelled_words, words)))
    sites = [site for each in words for site in replaceable_sites(each)]
    between = spans_between({site.sides for site in sites}, texts)
    shared = SharedEnvironments({site.old for site in sites}, between, texts)
    return [
        _apply_swaps(text, each, _swaps(each, set(map(stem, stays)), between, shared, joints), casing, limit)
        for text, each, stays, limit in zip(sources, words, keep, limits, strict=True)
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
    words: Sequence[Word],
    keep: set[str],
    between: Mapping[Sides, SpansByFirstWord],
    shared: SharedEnvironments,
    joints: TrigramJoints,
) -> list[_Swap]:
    """What may be put into a source, each span and replacement once, those that share most first."""
    whole, swaps = with_boundaries(spelled_words(words)), []
    for site in replaceable_sites(words):
        stays = keep & set(map(stem, site.old))
        first, last = joints.around(whole, site.start, site.end)
        by_first = between[site.sides]
        first_words = by_first if first is None else first & by_first.keys()
        for new in itertools.chain.from_iterable(by_first[word] for word in first_words):
            if last is not None and new[-1] not in last:
                continue
            if (
                new == site.old
                or len(new) > len(site.old) + _MAX_ADDED_WORDS
                or (stays and not stays <= set(map(stem, new)))
            ):
                continue
            count = shared(site.old, new)
            if count >= _MIN_SHARED and is_ordinary(new):
                swaps.append(_Swap(site.start, site.end, new, count, _moved(site.old, new)))
    return sorted(swaps, key=lambda one: (-one.shared, one.start, one.end, one.new))


def _swap_sets(swaps: Sequence[_Swap], words: int) -> Iterator[tuple[_Swap, ...]]:
    """Swaps that change enough of a text of so many words and marks: one by itself, then two apart from each other."""

    def enough(*made: _Swap) -> bool:
        return sum(one.moved for one in made) >= _MIN_CHANGED * (2 * words + sum(one.longer for one in made))

    yield from ((one,) for one in swaps if enough(one))
    pairs = [
        (one, two)
        for one, two in itertools.permutations(swaps[:_MAX_PAIRED], 2)
        if one.end + _MIN_APART <= two.start and enough(one, two)
    ]
    yield from sorted(pairs, key=lambda pair: -min(one.shared for one in pair))


def _apply_swaps(
    source: str, words: Sequence[Word], swaps: Sequence[_Swap], casing: Mapping[str, str], limit: int
) -> list[RecombinedText]:
    """At most `limit` texts in which one swap or two are made, those that share most environments first."""
    texts: dict[str, float] = {}
    for made in _swap_sets(swaps, len(words)):
        if len(texts) == limit:
            break
        pieces: list[Piece] = []
        done = 0
        for one in made:
            pieces += [*map(Piece, words[done : one.start]), Piece(None, one.new)]
            done = one.end
        pieces += map(Piece, words[done:])
        texts.setdefault(detokenize(pieces, source, casing), sum(one.end - one.start for one in made) / len(words))
    return [RecombinedText(text, share) for text, share in texts.items()]
