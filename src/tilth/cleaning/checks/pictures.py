"""Checks of pictures; they run only where the workspace has a column of them.

A picture that is there twice says nothing against two rows whose texts differ, so that it is reported alone. Rows of a
picture alone are copies where their pictures are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.outliers import FEWEST_TO_COMPARE, NEAREST, distance_scores
from tilth.cleaning.checks.registry import CheckResult, check, verdict
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status, picture_alone

_SAME = 0.98
"""Cosine from which two pictures are reported as one. Among 300 emoji only pairs that look the same reach it; copies of
twice the size do (0.998), those saved as JPEG (0.92 in the median) do not."""


@check("picture_copy", Status.QUARANTINED, Reason.EXACT_DUPLICATE, of_pictures=True)
def picture_copy(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A row of a picture alone whose picture an earlier one has, byte for byte; the first that is not gold stays."""
    mine = picture_alone(frame) & frame["split"].ne(Split.GOLD).to_numpy(dtype=bool)
    first = frame["picture_digest"].map(frame[mine].groupby("picture_digest")["id"].first())
    issue = mine & first.ne(frame["id"]).to_numpy(dtype=bool)
    return verdict(issue, first.where(issue, None).to_numpy(dtype=object))


@check("picture_leak", Status.QUARANTINED, Reason.GOLD_LEAK, of_pictures=True)
def picture_leak(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A row of a picture alone whose picture is also in gold."""
    gold = frame["split"].eq(Split.GOLD)
    leaked = frame["picture_digest"].isin(frame.loc[gold, "picture_digest"].dropna()) & ~gold
    return verdict(leaked.to_numpy(dtype=bool) & picture_alone(frame))


@check("picture_duplicate", Status.ACTIVE, Reason.NEAR_DUPLICATE, of_pictures=True)
def picture_duplicate(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """1 - the cosine to the most similar picture of an earlier row that is not gold; reported."""
    rows, score = _compared(frame, evidence), np.ones(len(frame))
    if len(rows) > 1 and evidence.pictures is not None:
        near = evidence.pictures.neighbors(NEAREST, rows)
        earlier = np.where(near.rows < np.arange(len(rows))[:, None], near.similarities, 0.0)
        score[rows] = 1 - np.clip(earlier.max(axis=1), 0, 1)
    score[rows[frame["picture_digest"].iloc[rows].duplicated().to_numpy()]] = 0.0  # of many copies not all are near
    return CheckResult(score=score, issue=score <= 1 - _SAME)


@check("picture_outlier", Status.ACTIVE, Reason.OUTLIER, of_pictures=True)
def picture_outlier(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """A picture that is unlike all others, by the rule for texts; reported."""
    rows, score = _compared(frame, evidence), np.ones(len(frame))
    issue = np.zeros(len(frame), dtype=bool)
    if len(rows) > FEWEST_TO_COMPARE and evidence.pictures is not None:
        near, vectors = evidence.pictures.neighbors(NEAREST, rows), evidence.pictures.embeddings[rows]
        score[rows], issue[rows] = distance_scores(near.similarities, vectors, config.outlier)
    return CheckResult(score=score, issue=issue)


def _compared(frame: pd.DataFrame, evidence: Evidence) -> np.ndarray:
    """Positions of the rows that are not gold and have a picture."""
    there = np.zeros(len(frame), dtype=bool) if evidence.pictures is None else evidence.pictures.there
    return np.flatnonzero(there & frame["split"].ne(Split.GOLD).to_numpy(dtype=bool))
