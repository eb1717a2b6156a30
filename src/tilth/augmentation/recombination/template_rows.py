"""Candidates by recombination: of a source itself, and of rows that say much the same in other words.

Half of the sources have words of their own, between which nobody else says anything; what others say of the same matter
can be recombined all the same. It passes the same gate, as a paraphrase of the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tilth.augmentation.recombination.config import RecombinationConfig
from tilth.augmentation.recombination.recombine import RecombinedText, recombine_texts
from tilth.augmentation.text import (
    Word,
    keeps_slots,
    match_style,
    replaces_by_opposite,
    split_words,
    stem,
    unfit_reason,
)
from tilth.text import normal_form

_MAX_COMPARED = 60  # nearest rows of a source that are compared: most have other slots, or another matter
_MAX_PER_TEMPLATE = 15  # recombinations of a template row: its place in a source's candidates is one of several
_BATCH = 512


class GeneratedText(NamedTuple):
    """A candidate, the share of words that were replaced, and the row whose wording it has, -1 for the source's."""

    text: str
    share: float
    template_row: int


@dataclass(frozen=True)
class RecombinationCorpus:
    """The table as recombination needs it.

    Attributes:
        texts: All rows' texts.
        vectors: Their embeddings (rows, dimensions).
        labels: Each task's current labels as codes, -1 for none (rows,).
        usable: Rows whose wording may be taken.
    """

    texts: Sequence[str]
    vectors: np.ndarray
    labels: Sequence[np.ndarray]
    usable: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SimilarityLimits:
    """Which cosines to its source a template row may have, and from which on its salient word may be another one."""

    low: float
    high: float
    content: float


def recombine_sources(
    corpus: RecombinationCorpus,
    sources: np.ndarray,
    words: Sequence[Sequence[Word]],
    salient: Sequence[Sequence[str]],
    casing: Mapping[str, str],
    tokenizer: Any,
    config: RecombinationConfig,
    limits: SimilarityLimits,
) -> list[list[GeneratedText]]:
    """Candidates of each source: its own recombinations, then those of its template rows, nearest first.

    Args:
        corpus: The table.
        sources: The sources' rows.
        words: Their words; those that are fixed stay.
        salient: For each, words that stay too, in one of their forms.
        casing: Spelling of words in the corpus, by `tilth.augmentation.text.corpus_spellings`.
        tokenizer: The denoiser's.
        config: `[augmentation]`.
        limits: How similar a template row must be, by the gate.
    """
    templates = find_template_rows(corpus, sources, salient, limits, config.nearby if config.recombined else 0)
    template_words = {
        row: split_words(corpus.texts[row], tokenizer) for row in sorted({row for rows in templates for row in rows})
    }
    fit = [row for row, each in template_words.items() if unfit_reason(corpus.texts[row], each, set()) is None]
    keep: dict[int, list[str]] = defaultdict(list)
    for source_words, rows in zip(salient, templates, strict=True):
        for row in rows:
            keep[row].extend(source_words)
    made = recombine_texts(
        [*(corpus.texts[row] for row in (*sources, *fit))],
        [*words, *(template_words[row] for row in fit)],
        [*salient, *(keep[row] for row in fit)],
        [corpus.texts[row] for row in corpus.usable],
        casing,
        [config.recombined] * len(sources) + [min(_MAX_PER_TEMPLATE, config.recombined)] * len(fit),
    )
    by_template = dict(zip(fit, made[len(sources) :], strict=True))
    return [
        _candidates(corpus.texts[source], own, rows, by_template, casing)
        for source, own, rows in zip(sources, made[: len(sources)], templates, strict=True)
    ]


def _candidates(
    source: str,
    own: Sequence[RecombinedText],
    templates: Sequence[int],
    by_template: Mapping[int, Sequence[RecombinedText]],
    casing: Mapping[str, str],
) -> list[GeneratedText]:
    """A source's own recombinations, then those of its template rows in its style, each text once."""
    candidates = {one.text: GeneratedText(one.text, one.share, -1) for one in own}
    for row in templates:
        for one in by_template.get(row, ()):
            text = match_style(one.text, source, casing)
            candidates.setdefault(text, GeneratedText(text, 1.0, row))
    return list(candidates.values())


def find_template_rows(
    corpus: RecombinationCorpus,
    sources: np.ndarray,
    salient: Sequence[Sequence[str]],
    limits: SimilarityLimits,
    count: int,
) -> list[list[int]]:
    """For each source at most `count` rows whose recombinations may pass for it, nearest first.

    They keep its slots, turn nothing round, hold its salient words or are so near that others may stand for them, and
    have no other label.
    """
    if not count or not len(corpus.usable):
        return [[] for _ in sources]
    templates: list[list[int]] = []
    for start in range(0, len(sources), _BATCH):
        part = sources[start : start + _BATCH]
        cosine = corpus.vectors[part] @ corpus.vectors[corpus.usable].T
        order = np.argsort(-cosine, axis=1, kind="stable")[:, :_MAX_COMPARED]
        for source, keep, cosines, places in zip(part, salient[start:], cosine, order, strict=False):
            fitting = (
                int(corpus.usable[place])
                for place in places
                if limits.low <= cosines[place] <= limits.high
                and _says_the_same(
                    corpus, source, corpus.usable[place], keep if cosines[place] < limits.content else ()
                )
            )
            templates.append(list(islice(fitting, count)))
    return templates


def _says_the_same(corpus: RecombinationCorpus, source: int, row: int, keep: Sequence[str]) -> bool:
    old, new = corpus.texts[source], corpus.texts[row]
    clash = any(codes[source] != codes[row] for codes in corpus.labels if codes[source] >= 0 and codes[row] >= 0)
    keeps_words = set(map(stem, keep)) <= {stem(word) for word in normal_form(new).split()}
    return source != row and not clash and keeps_words and keeps_slots(old, new) and not replaces_by_opposite(old, new)
