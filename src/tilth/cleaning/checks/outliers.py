"""Texts that are unlike all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from cleanlab.outlier import OutOfDistribution

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.registry import CheckResult, check
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status, picture_alone

NEAREST = 10
"""Rows around a text by whose distance it is an outlier or none."""
FEWEST_TO_COMPARE = 20
_OUTER = 3.0
_TINY = 1e-9  # no division by a median distance of copies


class _Graph:
    """Distances that are known already, as cleanlab asks a fitted estimator for them; its own takes minutes."""

    n_neighbors = NEAREST
    metric = "cosine"

    def __init__(self, similarities: np.ndarray) -> None:
        self._distances = np.maximum(1 - similarities.astype(np.float64), 0.0)

    def kneighbors(self, _features: np.ndarray | None = None) -> tuple[np.ndarray, None]:
        """Of every row to its nearest ones, shape (rows, k); which rows they are is not used."""
        return self._distances, None


@check("outlier", Status.REVIEW, Reason.OUTLIER)
def outlier(frame: pd.DataFrame, config: ChecksConfig, evidence: Evidence) -> CheckResult:
    """cleanlab's distance to the nearest rows that are not gold (Kuan and Mueller 2022).

    Its score falls with the distance over the median distance. Where texts are few or unlike each other that median
    is large, and no text could fall below the limit: a cosine distance of 1, to whatever has nothing in common with
    it, is too near. There a row counts that lies beyond Tukey's (1977) outer fence, as in cleanlab's Datalab with its
    inner one: three interquartile ranges above the third quartile of the distances.
    """
    not_gold = frame["split"].ne(Split.GOLD).to_numpy() & ~picture_alone(frame)  # and has a text
    score, issue = np.ones(len(frame)), np.zeros(len(frame), dtype=bool)
    if not_gold.sum() > FEWEST_TO_COMPARE:
        similarities = evidence.neighbors(NEAREST, np.flatnonzero(not_gold)).similarities
        vectors = evidence.embeddings()[not_gold]
        score[not_gold], issue[not_gold] = distance_scores(similarities, vectors, config.outlier)
    return CheckResult(score=score, issue=issue)


def distance_scores(similarities: np.ndarray, vectors: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of rows by how far their nearest ones are, and which are outliers: see `outlier`.

    Args:
        similarities: cosines to the nearest rows, shape (rows, nearest).
        vectors: of the rows, shape (rows, dimensions).
        limit: a score below it is an outlier's.

    Returns:
        Two arrays of shape (rows,): float and boolean.
    """
    knn = _Graph(similarities)
    score = OutOfDistribution({"k": NEAREST, "knn": knn}).score(features=vectors)
    issue = score < limit
    distance = knn.kneighbors()[0].mean(axis=1)
    if limit > 0 and np.exp(-1 / max(float(np.median(distance)), _TINY)) > limit:
        low, high = np.percentile(distance, [25, 75])
        issue |= distance > high + _OUTER * (high - low)
    return score, issue
