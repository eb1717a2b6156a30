"""Checks for texts that are there already: copies, near copies, gold rows in training, and boilerplate."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from tilth.cleaning.checks import copies
from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.registry import CheckResult, check, verdict
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status
from tilth.text import normal_form, tokens, word_count

_SHARED = 0.7  # of two texts' words, for them to be near copies
_NEAREST = 20
"""Rows that are looked at around each; a text with more near copies is compared with all that stay and have as many."""


@check("exact_duplicate", Status.QUARANTINED, Reason.EXACT_DUPLICATE)
def exact_duplicate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Equal but for case and punctuation to a row that is kept: see `tilth.cleaning.checks.copies.kept_copy`."""
    original = copies.kept_copy(frame)
    issue = original.notna() & original.ne(frame["id"])
    return verdict(issue.to_numpy(dtype=bool), original.where(issue, None).to_numpy(dtype=object))


@check("gold_leak", Status.QUARANTINED, Reason.GOLD_LEAK)
def gold_leak(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A row that is also in gold: learning from it would make the gold figures too good."""
    form, gold = frame["text"].map(normal_form), frame["split"].eq(Split.GOLD)
    return verdict((~gold & form.ne("") & form.isin(form[gold])).to_numpy(dtype=bool))


def _shares_most(row: int, other: int, words: Mapping[int, set[str]], sentences: Mapping[int, set[str]]) -> bool:
    """Whether two rows share most of their words, and where both are long texts, every sentence that says something."""
    if row in sentences and other in sentences and _words_of(sentences[row] - sentences[other]) >= _WORDS:
        return False  # of two long texts that share nearly all, one sentence may decide
    these, those = words[row], words[other]
    return len(these & those) >= _SHARED * max(1, len(these | those))


@check("near_duplicate", Status.QUARANTINED, Reason.NEAR_DUPLICATE)
def near_duplicate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Cosine to the most similar earlier row that shares most of the words; rows with more labels come first.

    A text that is read by passages is a near copy only where it has no sentence of its own.
    """
    rows = np.flatnonzero(frame["split"].ne(Split.GOLD))
    score, original = np.ones(len(frame)), np.full(len(frame), None, dtype=object)
    near, vectors = evidence.neighbors(_NEAREST, rows), evidence.embeddings()
    close = np.asarray((near.similarities >= config.near_duplicate).any(axis=1))
    full = np.asarray((near.similarities >= config.near_duplicate).all(axis=1))  # there may be more than were found
    words = {int(row): set(tokens(normal_form(frame["text"].iloc[rows[row]]))) for row in np.flatnonzero(close)}
    by_passages = _read_by_passages(evidence, len(frame))[rows]
    said = {row: set(_sentences(frame["text"].iloc[rows[row]])) for row in np.flatnonzero(close & by_passages).tolist()}
    kept = np.full(len(rows), -1)  # which row stays for each of those that had their turn
    reached: dict[int, list[int]] = defaultdict(list)  # of those that stay and have a row among their nearest
    stay_full: list[int] = []

    def most_similar(row: int, others: np.ndarray) -> tuple[int, float] | None:
        cosines = vectors[rows[others]] @ vectors[rows[row]]
        for place in np.argsort(-cosines, kind="stable")[: int((cosines >= config.near_duplicate).sum())]:
            other = int(others[place])
            if _shares_most(row, other, words, said):
                return other, float(cosines[place])
        return None

    turns = copies.order(frame.iloc[rows])
    copied = frame["is_exact_duplicate_issue"].to_numpy(dtype=bool)[rows]
    turns = turns[np.argsort(copied[turns], kind="stable")]  # the copy that stays is no near copy of those that do not
    for row in (turn for turn in turns if close[turn]):
        nearest = near.rows[row][near.similarities[row] >= config.near_duplicate]
        candidates = kept[nearest]
        match = most_similar(row, np.unique(candidates[candidates >= 0]))
        if match is None and full[row]:  # whoever stays and is near has it among its own nearest, or too many of them
            match = most_similar(row, np.array(sorted({*reached[row], *stay_full}), dtype=int))
        kept[row] = row if match is None else match[0]
        if match is None:
            for other in nearest[full[nearest]].tolist():
                reached[other].append(row)
            if full[row]:
                stay_full.append(row)
        else:
            original[rows[row]], score[rows[row]] = frame["id"].iloc[rows[match[0]]], max(0.0, 1 - match[1])
    issue = np.array([value is not None for value in original], dtype=bool)
    return CheckResult(score=score, issue=issue, duplicate_of=original)


_SENTENCE = re.compile(r"[.!?。！？\n]+\s*")
_FEWEST = 5  # different texts that a sentence must stand in before it is boilerplate
_ALONE = 0.1  # share of its rows in which a footer may be all there is; what is sent by itself more often is a message
_WORDS = 3  # "thank you" is written by many and is nobody's signature


@check("boilerplate", Status.REVIEW, Reason.BOILERPLATE)
def boilerplate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Share of a text without the sentences that stand word for word in five other texts (footers).

    A text that is read by passages is all boilerplate, or none: one sentence of its own may be what it is about.
    """
    not_gold = frame["split"].ne(Split.GOLD).to_numpy()
    sentences = [_sentences(text) for text in frame["text"]]
    footers = _footers([parts for parts, counts in zip(sentences, not_gold, strict=True) if counts])
    score = np.ones(len(frame))
    for row, parts in enumerate(sentences):
        score[row] = 1 - sum(len(part) for part in parts if part in footers) / max(1, sum(map(len, parts)))
    # One short message that many people send is a message; only what stands beside more text is a footer.
    several = np.array([len(parts) > 1 for parts in sentences], dtype=bool)
    by_passages = _read_by_passages(evidence, len(frame))
    says = [long and _words_of(part for part in parts if part not in footers) >= _WORDS
            for parts, long in zip(sentences, by_passages, strict=True)]  # fmt: skip
    return CheckResult(score=score, issue=several & (score < 1 - config.boilerplate) & ~np.array(says, dtype=bool))


def _read_by_passages(evidence: Evidence, rows: int) -> np.ndarray:
    """Whether each row's text is read sentence by sentence, boolean, shape (rows,)."""
    passages = evidence.passages
    return np.zeros(rows, dtype=bool) if passages is None else np.diff(passages.starts) > 1


def _words_of(sentences: Iterable[str]) -> int:
    return sum(map(word_count, sentences))


def _footers(texts: Sequence[list[str]]) -> set[str]:
    """Sentences that stand in enough different texts, and are seldom a text by themselves."""
    rests: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    seen, alone = Counter(part for parts in texts for part in set(parts)), Counter[str]()
    often = {part for part, rows in seen.items() if rows >= _FEWEST and word_count(part) >= _WORDS}
    for parts in texts:
        for part in often.intersection(parts):  # of the others, most of all there are, nothing is kept
            rest = tuple(other for other in parts if other != part)
            alone[part] += not rest
            if len(rests[part]) < _FEWEST and rest:  # copies of one text are copies, and no footer
                rests[part].add(rest)
    return {part for part, others in rests.items() if len(others) >= _FEWEST and alone[part] <= _ALONE * seen[part]}


def _sentences(text: str) -> list[str]:
    return [form for part in _SENTENCE.split(text[:20_000]) if (form := normal_form(part))]
