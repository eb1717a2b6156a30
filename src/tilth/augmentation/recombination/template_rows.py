"""Candidates by recombination: of a source itself, and of rows that say much the same in other words.

Half of the sources have words of their own, between which nobody else says anything; what others say of the same matter
can be recombined all the same. It passes the same gate, as a paraphrase of the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tilth.augmentation.recombination.config import RecombinationConfig
from tilth.augmentation.recombination.recombine import recombined
from tilth.augmentation.text import Word, in_style, keeps_slots, stem, turned, unfit, words_of
from tilth.text import normal_form

_LOOKED_AT = 60  # nearest rows of a source that are looked at: most have other slots, or another matter
_EACH = 15  # recombinations of a near row: its place in a source's candidates is one of several
_BATCH = 512


class Made(NamedTuple):
    """A candidate, the share of words that were replaced, and the row in whose wording it is, -1 for the source's."""

    text: str
    share: float
    beside: int


@dataclass(frozen=True)
class Rows:
    """The table as it is looked into.

    Attributes:
        texts: All rows' texts.
        vectors: Their embeddings (rows, dimensions).
        labels: Each task's labels in force as codes, -1 for none (rows,).
        usable: Rows whose wording may be taken.
    """

    texts: Sequence[str]
    vectors: np.ndarray
    labels: Sequence[np.ndarray]
    usable: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """Which cosines to its source a row may have, and from which on its salient word may be another one."""

    low: float
    high: float
    content: float


def recombinations(
    rows: Rows,
    sources: np.ndarray,
    words: Sequence[Sequence[Word]],
    salient: Sequence[Sequence[str]],
    casing: Mapping[str, str],
    tokenizer: Any,
    config: RecombinationConfig,
    near: Nearness,
) -> list[list[Made]]:
    """Of each source, then of the rows near it, nearest first.

    Args:
        rows: The table.
        sources: The sources' rows.
        words: Their words; those that are fixed stay.
        salient: For each, words that stay too, in one of their forms.
        casing: Spelling of words in the corpus, by `tilth.augmentation.text.detokenizer.spellings`.
        tokenizer: The denoiser's.
        config: `[augmentation]`.
        near: How near the rows must be, by the gate.
    """
    beside = nearby(rows, sources, salient, near, config.nearby if config.recombined else 0)
    found = {row: words_of(rows.texts[row], tokenizer) for row in sorted({row for each in beside for row in each})}
    fit = [row for row, own in found.items() if unfit(rows.texts[row], own, set()) is None]
    keep: dict[int, list[str]] = {row: [] for row in found}
    for own, each in zip(salient, beside, strict=True):
        for row in each:
            keep[row].extend(own)
    made = recombined(
        [*(rows.texts[row] for row in (*sources, *fit))],
        [*words, *(found[row] for row in fit)],
        [*salient, *(keep[row] for row in fit)],
        [rows.texts[row] for row in rows.usable],
        casing,
        [config.recombined] * len(sources) + [min(_EACH, config.recombined)] * len(fit),
    )
    of = dict(zip(fit, made[len(sources) :], strict=True))
    every = []
    for source, mine, others in zip(sources, made, beside, strict=False):
        texts = {one.text: Made(one.text, one.share, -1) for one in mine}
        for row in others:
            for one in of.get(row, ()):
                text = in_style(one.text, rows.texts[source], casing)
                texts.setdefault(text, Made(text, 1.0, row))
        every.append(list(texts.values()))
    return every


def nearby(
    rows: Rows, sources: np.ndarray, salient: Sequence[Sequence[str]], near: Nearness, count: int
) -> list[list[int]]:
    """For each source at most `count` rows whose recombinations may pass for it, nearest first.

    They keep its slots, turn nothing round, hold its salient words or are so near that others may stand for them, and
    have no other label.
    """
    if not count or not len(rows.usable):
        return [[] for _ in sources]
    found: list[list[int]] = []
    for start in range(0, len(sources), _BATCH):
        part = sources[start : start + _BATCH]
        cosine = rows.vectors[part] @ rows.vectors[rows.usable].T
        order = np.argsort(-cosine, axis=1, kind="stable")[:, :_LOOKED_AT]
        for source, keep, own, places in zip(part, salient[start:], cosine, order, strict=False):
            fitting = (
                int(rows.usable[place])
                for place in places
                if near.low <= own[place] <= near.high
                and _says_the_same(rows, source, rows.usable[place], keep if own[place] < near.content else ())
            )
            found.append([row for _, row in zip(range(count), fitting, strict=False)])
    return found


def _says_the_same(rows: Rows, source: int, row: int, keep: Sequence[str]) -> bool:
    old, new = rows.texts[source], rows.texts[row]
    clash = any(codes[source] != codes[row] for codes in rows.labels if codes[source] >= 0 and codes[row] >= 0)
    kept = set(map(stem, keep)) <= {stem(word) for word in normal_form(new).split()}
    return source != row and not clash and kept and keeps_slots(old, new) and not turned(old, new)
