"""Vectors of long texts that go by the passages which tell their labels apart, where these beat the mean of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tilth.learn.encoder import Passages
from tilth.learn.metrics import macro_f1
from tilth.learn.models import cross_validate, fit_predict, knowable
from tilth.learn.passages.passage_fitting import fit_passage_pooling
from tilth.learn.passages.passage_pooling import PassagePooling, pooled

_FEWEST = 50
"""Labeled rows that the choice is made by; with fewer, the mean of all passages stands."""


@dataclass(frozen=True, kw_only=True)
class Focus:
    """How the passages of a table's texts are weighed for one task.

    Attributes:
        poolings: what weighs the passages of texts beyond the table; empty where their mean is no worse.
        weights: of each passage in its text's vector, by a pooling that did not learn the text's label, shape
            (passages,); None where their mean is no worse.
        facts: macro-F1 of train rows that models did not learn from, by the mean of passages and by the chosen ones.
    """

    poolings: tuple[PassagePooling, ...] = ()
    weights: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As the cache holds it."""
        scores = np.array([self.facts.get(name, np.nan) for name in ("mean", "passages")])
        found = {"scores": scores, "rows": np.array([self.facts["rows"]])}
        if self.weights is not None:
            found |= {"weights": self.weights, "weight": self.poolings[0].weight, "bias": self.poolings[0].bias}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Focus:
        """From `to_arrays`."""
        facts: dict[str, Any] = {"rows": int(arrays["rows"][0])}
        names = ("mean", "passages")
        facts |= {n: round(float(s), 4) for n, s in zip(names, arrays["scores"], strict=True) if np.isfinite(s)}
        if "weights" not in arrays:
            return cls(facts={**facts, "chosen": "mean"})
        pooling = PassagePooling(arrays["weight"], arrays["bias"])
        return cls(poolings=(pooling,), weights=arrays["weights"], facts={**facts, "chosen": "passages"})


def choose_focus(
    passages: Passages, mean: np.ndarray, codes: np.ndarray, folds: np.ndarray, *, classes: int, fold_count: int
) -> Focus:
    """Weigh passages by what tells labels apart, where that predicts labels better than the mean of all passages.

    Each labeled text's passages are weighed by a head that did not learn its label, and labels are predicted by linear
    probes of the other folds' texts, so that the two are compared as any two views are.

    Args:
        passages: of all rows.
        mean: vectors of all rows, float32, shape (rows, dimensions).
        codes: class codes, -1 for rows that nothing is learned from, shape (rows,).
        folds: each row's fold, below `fold_count`, shape (rows,).
        classes: how many there are in all.
        fold_count: how many folds there are in all.
    """
    measured = knowable(codes, folds)
    facts: dict[str, Any] = {"rows": int(measured.sum())}
    if measured.sum() < _FEWEST or len(np.unique(codes[measured])) < 2:
        return Focus(facts={**facts, "chosen": "mean", "why": f"{_FEWEST} labeled rows are needed to choose"})
    weights, pooling = _out_of_fold(passages, codes, folds, classes, fold_count)
    focused = pooled(passages, weights)
    for name, vectors in (("mean", mean), ("passages", focused)):
        found = cross_validate(vectors, codes, folds, classes=classes, fold_count=fold_count, model=fit_predict)
        facts[name] = round(macro_f1(codes[measured], found.predicted[measured], classes), 4)
    if not facts["passages"] > facts["mean"]:
        return Focus(facts={**facts, "chosen": "mean"})
    return Focus(poolings=(pooling,), weights=weights, facts={**facts, "chosen": "passages"})


def _out_of_fold(
    passages: Passages, codes: np.ndarray, folds: np.ndarray, classes: int, fold_count: int
) -> tuple[np.ndarray, PassagePooling]:
    """Weights of all passages: of a labeled text by its fold's pooling, else by that of all labels; and the latter."""
    labeled = codes >= 0
    whole = fit_passage_pooling(passages.part(np.flatnonzero(labeled)), codes[labeled], classes=classes)
    weights = np.zeros(len(passages.index), dtype=np.float32)
    owner = passages.owner
    for fold in range(fold_count):
        rows = np.flatnonzero(labeled & (folds == fold))
        others = np.flatnonzero(labeled & (folds != fold))
        if len(rows) and len(others):
            fitted = fit_passage_pooling(passages.part(others), codes[others], classes=classes)
            weights[np.isin(owner, rows)] = fitted.weights(passages.part(rows))
    rest = np.flatnonzero(~labeled)
    weights[np.isin(owner, rest)] = whole.weights(passages.part(rest))
    return weights, whole


def together(focuses: Sequence[Focus]) -> Focus:
    """One way to weigh passages for several tasks: the mean of the weights of those tasks that have any."""
    weights = [focus.weights for focus in focuses if focus.weights is not None]
    if not weights:
        return Focus()
    poolings = tuple(pooling for focus in focuses for pooling in focus.poolings)
    return Focus(poolings=poolings, weights=np.mean(weights, axis=0).astype(np.float32))
