"""Checks for texts that are there already: copies, near copies, gold rows in training, and boilerplate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.cleaning.checks import copies
from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.registry import CheckResult, check, verdict
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status
from tilth.text import SAYS_SOMETHING, normal_form, normal_sentences, says_something, word_count


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


@check("near_duplicate", Status.QUARANTINED, Reason.NEAR_DUPLICATE)
def near_duplicate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Cosine to the most similar earlier row that shares most of the words; rows with more labels come first.

    A text that is read by passages is a near copy only where it has no sentence of its own.
    """
    rows = np.flatnonzero(frame["split"].ne(Split.GOLD))
    turns = copies.order(frame.iloc[rows])
    copied = frame["is_exact_duplicate_issue"].to_numpy(dtype=bool)[rows]
    turns = turns[np.argsort(copied[turns], kind="stable")]  # the copy that stays is no near copy of those that do not
    found = evidence.near_copies(rows, turns, cosine=config.near_duplicate)
    copy = found.kept != np.arange(len(rows))
    score, issue, original = np.ones(len(frame)), np.zeros(len(frame), dtype=bool), np.full(len(frame), None, object)
    score[rows[copy]] = np.maximum(0.0, 1 - found.similarities[copy])
    issue[rows[copy]] = True
    original[rows[copy]] = frame["id"].to_numpy(dtype=object)[rows[found.kept[copy]]]
    return CheckResult(score=score, issue=issue, duplicate_of=original)


_FEWEST = 5  # different texts that a sentence must stand in before it is boilerplate
_ALONE = 0.1  # share of its rows in which a footer may be all there is; what is sent by itself more often is a message


@check("boilerplate", Status.REVIEW, Reason.BOILERPLATE)
def boilerplate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Share of a text without the sentences that stand word for word in five other texts (footers).

    A text that is read by passages is all boilerplate, or none: one sentence of its own may be what it is about.
    """
    not_gold = frame["split"].ne(Split.GOLD).to_numpy()
    by_row = [normal_sentences(text) for text in frame["text"]]
    footers = _footers([parts for parts, counts in zip(by_row, not_gold, strict=True) if counts])
    score = np.ones(len(frame))
    for row, parts in enumerate(by_row):
        score[row] = 1 - sum(len(part) for part in parts if part in footers) / max(1, sum(map(len, parts)))
    # One short message that many people send is a message; only what stands beside more text is a footer.
    several = np.array([len(parts) > 1 for parts in by_row], dtype=bool)
    says = [long and says_something(part for part in parts if part not in footers)
            for parts, long in zip(by_row, evidence.read_by_passages, strict=True)]  # fmt: skip
    return CheckResult(score=score, issue=several & (score < 1 - config.boilerplate) & ~np.array(says, dtype=bool))


def _footers(texts: Sequence[list[str]]) -> set[str]:
    """Sentences that stand in enough different texts, and are seldom a text by themselves."""
    rests: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    seen, alone = Counter(part for parts in texts for part in set(parts)), Counter[str]()
    often = {part for part, rows in seen.items() if rows >= _FEWEST and word_count(part) >= SAYS_SOMETHING}
    for parts in texts:
        for part in often.intersection(parts):  # of the others, most of all there are, nothing is kept
            rest = tuple(other for other in parts if other != part)
            alone[part] += not rest
            if len(rests[part]) < _FEWEST and rest:  # copies of one text are copies, and no footer
                rests[part].add(rest)
    return {part for part, others in rests.items() if len(others) >= _FEWEST and alone[part] <= _ALONE * seen[part]}
