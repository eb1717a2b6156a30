"""Checks of the text alone: each gives every row a score from 0 (bad) to 1, and a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from cleanlab.outlier import OutOfDistribution

from tilth.cleaning.config import Config
from tilth.evidence import Evidence
from tilth.samples import Reason, Split, Status
from tilth.text import normal_form


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a check found.

    Attributes:
        score: float, shape (rows,), 0 to 1, low = bad.
        issue: boolean, shape (rows,).
        duplicate_of: id of the row that each one repeats, or None; only of checks for duplicates.
    """

    score: np.ndarray
    issue: np.ndarray
    duplicate_of: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A registered check with the verdict that its issues get."""

    name: str
    find: Callable[[pd.DataFrame, Config, Evidence], Found]
    status: Status
    reason: Reason


CHECKS: dict[str, Check] = {}


def check(name: str, status: Status, reason: Reason) -> Callable[[Callable[..., Found]], Callable[..., Found]]:
    """Register a check under a name that is not taken; its columns are `<name>_score` and `is_<name>_issue`."""

    def register(function: Callable[..., Found]) -> Callable[..., Found]:
        if name in CHECKS:
            raise ValueError(f'a check "{name}" is registered already')
        CHECKS[name] = Check(name=name, find=function, status=status, reason=reason)
        return function

    return register


def _verdict(issue: np.ndarray, duplicate_of: np.ndarray | None = None) -> Found:
    return Found(score=np.where(issue, 0.0, 1.0), issue=issue, duplicate_of=duplicate_of)


@check("empty", Status.QUARANTINED, Reason.EMPTY)
def empty(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Nothing there."""
    return _verdict(frame["text"].eq("").to_numpy(dtype=bool))


_MARKUP = re.compile(r"<[^>]+>|https?://\S+|&\w+;")
_MASHED = re.compile(r"(.)\1{4,}|[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)


@check("junk", Status.QUARANTINED, Reason.JUNK)
def junk(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Share of a text that reads as words, once markup, links and keyboard mash are taken away."""
    scores = [_wordlike(text) for text in frame["text"]]
    return Found(score=np.array(scores), issue=np.array([score < 0.25 for score in scores], dtype=bool))


def _wordlike(text: str) -> float:
    if not text:
        return 0.0
    words = [word for word in _MARKUP.sub(" ", text[:5000]).split() if sum(map(str.isalpha, word)) >= 2]
    letters = sum(len(word) for word in words if not _MASHED.search(word))
    return min(1.0, letters / max(1, len("".join(text[:5000].split()))))


@check("too_long", Status.QUARANTINED, Reason.TOO_LONG)
def too_long(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Characters above the limit."""
    length = frame["text"].str.len().to_numpy(dtype=float)
    score = np.minimum(1.0, config.max_characters / np.maximum(length, 1))
    return Found(score=score, issue=length > config.max_characters)


@check("exact_duplicate", Status.QUARANTINED, Reason.EXACT_DUPLICATE)
def exact_duplicate(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Equal but for case and punctuation to an earlier row; a labeled row is kept before an unlabeled one."""
    own = frame["split"].ne(Split.GOLD) & frame["text"].ne("")
    form = frame["text"].map(normal_form).where(own & frame["text"].map(normal_form).ne(""))
    order = frame["split"].ne(Split.TRAIN).astype(int).sort_values(kind="stable").index
    first = frame["id"].loc[order].groupby(form.loc[order]).first()
    original = form.map(first).astype(object)
    issue = (original.notna() & original.ne(frame["id"])).to_numpy(dtype=bool)
    return _verdict(issue, np.where(issue, original, None))


@check("gold_leak", Status.QUARANTINED, Reason.GOLD_LEAK)
def gold_leak(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """A row that is also in gold: learning from it would make the gold figures too good."""
    form, gold = frame["text"].map(normal_form), frame["split"].eq(Split.GOLD)
    return _verdict((~gold & form.ne("") & form.isin(form[gold])).to_numpy(dtype=bool))


@check("near_duplicate", Status.QUARANTINED, Reason.NEAR_DUPLICATE)
def near_duplicate(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """Cosine to the nearest earlier row, where most of the words are shared too."""
    near, count = evidence.neighbors(10), len(frame)
    gold = frame["split"].eq(Split.GOLD).to_numpy()
    words = [set(normal_form(text).split()) for text in frame["text"]]
    score, original = np.ones(count), np.full(count, None, dtype=object)
    for row in range(count):
        for other, cosine in zip(near.rows[row], near.similarities[row], strict=True):
            if other >= row or gold[other] or gold[row] or original[other] is not None:
                continue
            shared = len(words[row] & words[other]) / max(1, len(words[row] | words[other]))
            if cosine >= config.near_duplicate and shared >= 0.7:
                score[row], original[row] = 1 - cosine, frame["id"].iloc[other]
                break
    return Found(score=score, issue=np.array([value is not None for value in original], dtype=bool), duplicate_of=original)


@check("outlier", Status.REVIEW, Reason.OUTLIER)
def outlier(frame: pd.DataFrame, config: Config, evidence: Evidence) -> Found:
    """cleanlab's distance to the nearest rows that are not gold (Kuan and Mueller 2022)."""
    own = frame["split"].ne(Split.GOLD).to_numpy()
    score = np.ones(len(frame))
    if own.sum() > 20:
        score[own] = OutOfDistribution({"k": 10}).fit_score(features=evidence.embeddings()[own], verbose=False)
    return Found(score=score, issue=score < config.outlier)
