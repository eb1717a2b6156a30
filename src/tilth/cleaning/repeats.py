"""Checks for texts that are there already: copies, near copies, gold rows in training, and boilerplate."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.cleaning.checks import Found, check, verdict
from tilth.cleaning.config import Config
from tilth.evidence import Evidence
from tilth.samples import Reason, Split, Status
from tilth.text import normal_form


@check("exact_duplicate", Status.QUARANTINED, Reason.EXACT_DUPLICATE)
def exact_duplicate(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Equal but for case and punctuation to an earlier row; a labeled row is kept before an unlabeled one."""
    own = frame["split"].ne(Split.GOLD) & frame["text"].ne("")
    form = frame["text"].map(normal_form).where(own & frame["text"].map(normal_form).ne(""))
    order = frame["split"].ne(Split.TRAIN).astype(int).sort_values(kind="stable").index
    first = frame["id"].loc[order].groupby(form.loc[order]).first()
    original = form.map(first).astype(object)
    issue = original.notna() & original.ne(frame["id"])
    return verdict(issue.to_numpy(dtype=bool), original.where(issue, None).to_numpy(dtype=object))


@check("gold_leak", Status.QUARANTINED, Reason.GOLD_LEAK)
def gold_leak(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """A row that is also in gold: learning from it would make the gold figures too good."""
    form, gold = frame["text"].map(normal_form), frame["split"].eq(Split.GOLD)
    return verdict((~gold & form.ne("") & form.isin(form[gold])).to_numpy(dtype=bool))


@check("near_duplicate", Status.QUARANTINED, Reason.NEAR_DUPLICATE)
def near_duplicate(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Cosine to the nearest earlier row, where most of the words are shared too; labeled rows come before others."""
    near, count = evidence.neighbors(10), len(frame)
    order = np.argsort(frame["split"].ne(Split.TRAIN).to_numpy(), kind="stable")
    turn = np.empty(count, dtype=int)
    turn[order] = np.arange(count)
    gold = frame["split"].eq(Split.GOLD).to_numpy()
    words = [set(normal_form(text).split()) for text in frame["text"]]
    score, original = np.ones(count), np.full(count, None, dtype=object)
    close = np.asarray((near.similarities >= config.near_duplicate).any(axis=1))
    for row in order[close[order]]:
        for other, cosine in zip(near.rows[row], near.similarities[row], strict=True):
            if turn[other] >= turn[row] or gold[other] or gold[row] or original[other] is not None:
                continue
            shared = len(words[row] & words[other]) / max(1, len(words[row] | words[other]))
            if cosine >= config.near_duplicate and shared >= 0.7:
                score[row], original[row] = max(0.0, 1 - float(cosine)), frame["id"].iloc[other]
                break
    issue = np.array([value is not None for value in original], dtype=bool)
    return Found(score=score, issue=issue, duplicate_of=original)


_SENTENCE = re.compile(r"[.!?\n]+\s*")
_FEWEST = 5  # different texts that a sentence must stand beside before it is boilerplate
_ALONE = 0.1  # share of its rows in which a footer may be all there is; what is said by itself more often is a message
_WORDS = 3  # "thank you" is said by many and is nobody's signature


@check("boilerplate", Status.REVIEW, Reason.BOILERPLATE)
def boilerplate(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Share of a text that is its own, not sentences that stand word for word beside five other texts (footers)."""
    own = frame["split"].ne(Split.GOLD).to_numpy()
    sentences = [_sentences(text) for text in frame["text"]]
    footers = _footers([parts for parts, mine in zip(sentences, own, strict=True) if mine])
    score = np.ones(len(frame))
    for row, parts in enumerate(sentences):
        score[row] = 1 - sum(len(part) for part in parts if part in footers) / max(1, sum(map(len, parts)))
    # One short message that many people send is a message; only what stands beside more text is a footer.
    several = np.array([len(parts) > 1 for parts in sentences], dtype=bool)
    return Found(score=score, issue=several & (score < 1 - config.boilerplate))


def _footers(texts: Sequence[list[str]]) -> set[str]:
    """Sentences that stand beside enough different texts, and are seldom a text by themselves."""
    beside: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    seen, alone = Counter[str](), Counter[str]()
    for parts in texts:
        for part in {part for part in parts if len(part.split()) >= _WORDS}:
            rest = tuple(other for other in parts if other != part)
            seen[part] += 1
            alone[part] += not rest
            if len(beside[part]) < _FEWEST and rest:  # copies of one text are copies, and no footer
                beside[part].add(rest)
    return {part for part, rests in beside.items() if len(rests) >= _FEWEST and alone[part] <= _ALONE * seen[part]}


def _sentences(text: str) -> list[str]:
    return [form for part in _SENTENCE.split(text[:20_000]) if (form := normal_form(part))]
