"""Checks of the text alone: each gives every row a score from 0 (bad) to 1, and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from ftfy.badness import is_bad

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.junk import KINDS, unwanted
from tilth.cleaning.checks.junk import kinds as kinds_of
from tilth.cleaning.checks.per_text import per_text
from tilth.cleaning.checks.registry import CheckResult, check, verdict
from tilth.languages import detect_language, usual_language
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status, picture_alone


@check("empty", Status.QUARANTINED, Reason.EMPTY)
def empty(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A text without any character, in a row that has no picture either."""
    return verdict(frame["text"].eq("").to_numpy(dtype=bool) & ~picture_alone(frame))


@check("junk", Status.QUARANTINED, Reason.JUNK)
def junk(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Share of a text that reads as words; `tilth.cleaning.checks.junk` finds what is junk, and of which kind."""
    not_gold = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    kinds, scores = kinds_of(frame["text"].tolist(), not_gold, evidence.cache)
    issue, kept = unwanted(kinds, frame, not_gold)
    count = Counter(kinds[not_gold & (kinds != None)])  # noqa: E711 - elementwise
    counts = {"kinds": {kind: count[kind] for kind in KINDS if kind not in kept and count[kind]}}
    return CheckResult(score=scores, issue=issue, counts=counts | {"kept": {kind: count[kind] for kind in kept}})


@check("too_long", Status.QUARANTINED, Reason.TOO_LONG)
def too_long(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Characters above the limit."""
    length = frame["text"].str.len().to_numpy(dtype=float)
    score = np.minimum(1.0, config.max_characters / np.maximum(length, 1))
    return CheckResult(score=score, issue=length > config.max_characters)


@check("encoding", Status.ACTIVE, Reason.ENCODING)
def encoding(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Text that was read in the wrong encoding (mojibake such as "donâ€™t"), by ftfy's heuristic."""
    return verdict(np.array([is_bad(text[:5000]) for text in frame["text"]], dtype=bool))


@check("language", Status.REVIEW, Reason.LANGUAGE)
def language(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """How likely a text is in a language that belongs here, by py3langid (Lui and Baldwin 2012)."""
    found = per_text(evidence.cache, "language", frame["text"].tolist(), _detected, None)
    detected = [(chr(int(one)) + chr(int(other)), float(likely)) if one else None for one, other, likely in found]
    usual = usual_language([one for one, split in zip(detected, frame["split"], strict=True) if split != Split.GOLD])
    here = set(config.languages) or ({usual} if usual else set())
    score = np.array([1.0 if not here or not one or one[0] in here else 1 - one[1] for one in detected])
    return CheckResult(score=score, issue=score < 1 - config.language)


def _detected(texts: Sequence[str], _: None) -> np.ndarray:
    """The two letters of each text's language, as numbers, and how likely it is; zeros where a text is too short."""
    found = np.zeros((len(texts), 3), dtype=np.float32)
    for row, text in enumerate(texts):
        if one := detect_language(text):
            found[row] = ord(one[0][0]), ord(one[0][1]), one[1]
    return found
