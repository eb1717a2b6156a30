"""Checks of the text alone: each gives every row a score from 0 (bad) to 1, and a verdict."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from ftfy.badness import is_bad

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.junk import KINDS, unwanted
from tilth.cleaning.checks.junk import kinds as kinds_of
from tilth.cleaning.checks.registry import CheckResult, check, verdict
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status


@check("empty", Status.QUARANTINED, Reason.EMPTY)
def empty(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A text without any character."""
    return verdict(frame["text"].eq("").to_numpy(dtype=bool))


@check("junk", Status.QUARANTINED, Reason.JUNK)
def junk(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """Share of a text that reads as words; `tilth.cleaning.checks.junk` finds what is junk, and of which kind."""
    not_gold = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    kinds, scores = kinds_of(frame["text"].tolist(), not_gold)
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


_FEWEST_LETTERS = 20  # below which a language is a guess
_USUAL = 0.6  # share of the rows that one language must have to be the one that belongs here


@check("language", Status.REVIEW, Reason.LANGUAGE)
def language(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """How likely a text is in a language that belongs here, by py3langid (Lui and Baldwin 2012)."""
    detected = [_language(text[:2000]) if _letters(text) >= _FEWEST_LETTERS else None for text in frame["text"]]
    of_rows = [one[0] for one, split in zip(detected, frame["split"], strict=True) if one and split != Split.GOLD]
    most = Counter(of_rows).most_common(1)
    here = set(config.languages)
    if not here and most and most[0][1] >= _USUAL * len(of_rows):
        here = {most[0][0]}
    score = np.array([1.0 if not here or not one or one[0] in here else 1 - one[1] for one in detected])
    return CheckResult(score=score, issue=score < 1 - config.language)


def _letters(text: str) -> int:
    # A character of a script without spaces counts as several letters.
    return sum(3 if ord(letter) > 0x2E7F else 1 for letter in text[:200] if letter.isalpha())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _language(text: str) -> tuple[str, float]:
    language, probability = _identifier().classify(text)
    return str(language), float(probability)
