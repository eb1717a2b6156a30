"""Texts that are unlike all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from cleanlab.outlier import OutOfDistribution

from tilth.cleaning.checks.config import ChecksConfig
from tilth.cleaning.checks.registry import CheckResult, check
from tilth.learn import Evidence
from tilth.samples import Reason, Split, Status

_NEAREST = 10
"""Rows around a text by whose distance it is an outlier or none."""
_FEWEST_TO_COMPARE = 20
_OUTER = 3.0
_TINY = 1e-9  # no division by a median distance of copies


class _Graph:
    """Distances that are known already, as cleanlab asks a fitted estimator for them; its own takes minutes."""

    n_neighbors = _NEAREST
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
    not_gold = frame["split"].ne(Split.GOLD).to_numpy()
    score, issue = np.ones(len(frame)), np.zeros(len(frame), dtype=bool)
    if not_gold.sum() > _FEWEST_TO_COMPARE:
        knn = _Graph(evidence.neighbors(_NEAREST, np.flatnonzero(not_gold)).similarities)
        score[not_gold] = OutOfDistribution({"k": _NEAREST, "knn": knn}).score(features=evidence.embeddings()[not_gold])
        issue = score < config.outlier
        distance = knn.kneighbors()[0].mean(axis=1)
        if config.outlier > 0 and np.exp(-1 / max(float(np.median(distance)), _TINY)) > config.outlier:
            low, high = np.percentile(distance, [25, 75])
            issue[not_gold] |= distance > high + _OUTER * (high - low)
    return CheckResult(score=score, issue=issue)
