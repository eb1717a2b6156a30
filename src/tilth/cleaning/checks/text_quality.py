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
from tilth.cleaning.checks.registry import Found, check, verdict
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status

_FEWEST_TO_COMPARE = 20
_OUTER = 3.0
_TINY = 1e-9  # no division by a median distance of copies


@check("empty", Status.QUARANTINED, Reason.EMPTY)
def empty(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> Found:
    """Nothing there."""
    return verdict(frame["text"].eq("").to_numpy(dtype=bool))


@check("junk", Status.QUARANTINED, Reason.JUNK)
def junk(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> Found:
    """Share of a text that reads as words; what is junk, and of which kind, says `tilth.cleaning.checks.junk`."""
    own = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    kinds, scores = kinds_of(frame["text"].tolist(), own)
    issue, kept = unwanted(kinds, frame, own)
    count = Counter(kinds[own & (kinds != None)])  # noqa: E711 - elementwise
    counts = {"kinds": {kind: count[kind] for kind in KINDS if kind not in kept and count[kind]}}
    return Found(score=scores, issue=issue, counts=counts | {"kept": {kind: count[kind] for kind in kept}})


@check("too_long", Status.QUARANTINED, Reason.TOO_LONG)
def too_long(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> Found:
    """Characters above the limit."""
    length = frame["text"].str.len().to_numpy(dtype=float)
    score = np.minimum(1.0, config.max_characters / np.maximum(length, 1))
    return Found(score=score, issue=length > config.max_characters)


@check("encoding", Status.ACTIVE, Reason.ENCODING)
def encoding(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> Found:
    """Text that was read in the wrong encoding (mojibake such as "donâ€™t"), by ftfy's heuristic."""
    return verdict(np.array([is_bad(text[:5000]) for text in frame["text"]], dtype=bool))


_FEWEST_TO_TELL = 20  # letters below which a language is a guess
_USUAL = 0.6  # share of the rows that one language must have to be the one that belongs here


@check("language", Status.REVIEW, Reason.LANGUAGE)
def language(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> Found:
    """How likely a text is in a language that belongs here, by py3langid (Lui and Baldwin 2012)."""
    told = [_languages(text[:2000]) if _letters(text) >= _FEWEST_TO_TELL else None for text in frame["text"]]
    own = [found[0] for found, split in zip(told, frame["split"], strict=True) if found and split != Split.GOLD]
    most = Counter(own).most_common(1)
    here = set(config.languages)
    if not here and most and most[0][1] >= _USUAL * len(own):
        here = {most[0][0]}
    score = np.array([1.0 if not here or not found or found[0] in here else 1 - found[1] for found in told])
    return Found(score=score, issue=score < 1 - config.language)


def _letters(text: str) -> int:
    # A character of a script without spaces says as much as several letters do.
    return sum(3 if ord(letter) > 0x2E7F else 1 for letter in text[:200] if letter.isalpha())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _languages(text: str) -> tuple[str, float]:
    found, chance = _identifier().classify(text)
    return str(found), float(chance)
