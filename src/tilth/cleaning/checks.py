"""Checks of the text alone: each gives every row a score from 0 (bad) to 1, and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.outlier import OutOfDistribution
from ftfy.badness import is_bad

from tilth.cleaning.config import Config
from tilth.cleaning.junk import KINDS, unwanted
from tilth.cleaning.junk import kinds as kinds_of
from tilth.evidence import Evidence
from tilth.samples import Reason, Split, Status

_NEAREST = 10
"""Rows around a text whose distance says whether it is an outlier."""
_FEWEST_TO_COMPARE = 20
_OUTER = 3.0
_TINY = 1e-9  # no division by a median distance of copies


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a check found.

    Attributes:
        score: float, shape (rows,), 0 to 1, low = bad.
        issue: boolean, shape (rows,).
        duplicate_of: id of the row that each one repeats, or None; only of checks for duplicates.
        counts: more to be told of the rows that are not gold, as plain JSON.
    """

    score: np.ndarray
    issue: np.ndarray
    duplicate_of: np.ndarray | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A registered check with the verdict that its issues get."""

    name: str
    find: Callable[[pd.DataFrame, Config, Evidence], Found]
    status: Status
    reason: Reason


CHECKS: dict[str, Check] = {}


def check(name: str, status: Status, reason: Reason) -> Callable[[Callable[..., Found]], Callable[..., Found]]:
    """Register a check under a name that is not taken; its columns are `<name>_score` and `is_<name>_issue`.

    With `Status.ACTIVE` its issues are reported and change nothing.
    """

    def register(function: Callable[..., Found]) -> Callable[..., Found]:
        if name in CHECKS:
            raise ValueError(f'a check "{name}" is registered already')
        CHECKS[name] = Check(name=name, find=function, status=status, reason=reason)
        return function

    return register


def verdict(issue: np.ndarray, duplicate_of: np.ndarray | None = None) -> Found:
    """A verdict without shades: score 0 where there is an issue, else 1."""
    return Found(score=np.where(issue, 0.0, 1.0), issue=issue, duplicate_of=duplicate_of)


@check("empty", Status.QUARANTINED, Reason.EMPTY)
def empty(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Nothing there."""
    return verdict(frame["text"].eq("").to_numpy(dtype=bool))


@check("junk", Status.QUARANTINED, Reason.JUNK)
def junk(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Share of a text that reads as words; what is junk, and of which kind, says `tilth.cleaning.junk`."""
    own = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    kinds, scores = kinds_of(frame["text"].tolist(), own)
    issue, kept = unwanted(kinds, frame, own)
    count = Counter(kinds[own & (kinds != None)])  # noqa: E711 - elementwise
    counts = {"kinds": {kind: count[kind] for kind in KINDS if kind not in kept and count[kind]}}
    return Found(score=scores, issue=issue, counts=counts | {"kept": {kind: count[kind] for kind in kept}})


@check("too_long", Status.QUARANTINED, Reason.TOO_LONG)
def too_long(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Characters above the limit."""
    length = frame["text"].str.len().to_numpy(dtype=float)
    score = np.minimum(1.0, config.max_characters / np.maximum(length, 1))
    return Found(score=score, issue=length > config.max_characters)


@check("encoding", Status.ACTIVE, Reason.ENCODING)
def encoding(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Text that was read in the wrong encoding (mojibake such as "donâ€™t"), by ftfy's heuristic."""
    return verdict(np.array([is_bad(text[:5000]) for text in frame["text"]], dtype=bool))


_FEWEST_TO_TELL = 20  # letters below which a language is a guess
_USUAL = 0.6  # share of the rows that one language must have to be the one that belongs here


@check("language", Status.REVIEW, Reason.LANGUAGE)
def language(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
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


class _Graph:
    """Distances that are known already, as cleanlab asks a fitted estimator for them; its own takes minutes."""

    n_neighbors = _NEAREST
    metric = "cosine"

    def __init__(self, similarities: np.ndarray) -> None:
        self._distances = np.maximum(1 - similarities.astype(np.float64), 0.0)

    def kneighbors(self, _features: np.ndarray | None = None) -> tuple[np.ndarray, None]:
        """Of every row to its nearest ones, shape (rows, k); nobody asks which they are."""
        return self._distances, None


@check("outlier", Status.REVIEW, Reason.OUTLIER)
def outlier(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """cleanlab's distance to the nearest rows that are not gold (Kuan and Mueller 2022).

    Its score falls with the distance over the median distance. Where texts are few or unlike each other that median
    is large, and no text could fall below the limit: a cosine distance of 1, to whatever has nothing in common with
    it, is too near. There a row counts that lies beyond Tukey's (1977) outer fence, as in cleanlab's Datalab with its
    inner one: three interquartile ranges above the third quartile of the distances.
    """
    own = frame["split"].ne(Split.GOLD).to_numpy()
    score, issue = np.ones(len(frame)), np.zeros(len(frame), dtype=bool)
    if own.sum() > _FEWEST_TO_COMPARE:
        knn = _Graph(evidence.neighbors(_NEAREST, np.flatnonzero(own)).similarities)
        score[own] = OutOfDistribution({"k": _NEAREST, "knn": knn}).score(features=evidence.embeddings()[own])
        issue = score < config.outlier
        distance = knn.kneighbors()[0].mean(axis=1)
        if config.outlier > 0 and np.exp(-1 / max(float(np.median(distance)), _TINY)) > config.outlier:
            low, high = np.percentile(distance, [25, 75])
            issue[own] |= distance > high + _OUTER * (high - low)
    return Found(score=score, issue=issue)
