"""The verdict on one task's labels by models that did not learn from them, as far as the number of rows allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.cleaning.label_errors import filters
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filter_selection import verdict_by_filter, verdict_by_views
from tilth.cleaning.label_errors.filters import Verdict
from tilth.cleaning.label_errors.models import (
    FitProbes,
    MeaningView,
    ModelProbabilities,
    add_picture_view,
    fit_evidence_models,
    fit_two_views,
)
from tilth.learn import Evidence, FittedProbe
from tilth.samples import Task

FEWEST = 100
"""Labeled rows below which no error is injected: a handful of them would measure nothing."""
FEW, ENOUGH = 10, 20
"""Labeled rows a class. With fewer than 10, to drop what models doubt costs more than one wrong label in five does, so
that no label is flagged (banking77 at 5 a class: macro-F1 0.65 with the wrong labels, 0.42 to 0.54 without what is
doubted; where all are right, 0.80 and 0.66 to 0.74). From 20 on errors can be injected and counted; between, two of
cleanlab's filters must agree."""


def verdict_by_models(
    codes: np.ndarray,
    rows: np.ndarray,
    view: MeaningView,
    config: LabelErrorsConfig,
    evidence: Evidence,
    seed: int,
    from_children: np.ndarray | None,
    fit: FitProbes | None,
) -> tuple[ModelProbabilities, Verdict]:
    """The evidence models' probabilities of these rows, and the verdict of the filter that suits their number."""
    vectors, folds, graph, classes = view.vectors, evidence.folds[rows], view.graph, int(codes.max()) + 1

    def refit(labels: np.ndarray, fit: FitProbes | None = None) -> ModelProbabilities:
        return fit_evidence_models(vectors, graph, labels, folds, classes, config.rounds, from_children, fit)

    probabilities = refit(codes, fit)
    if len(rows) < FEW * classes:
        return probabilities, filters.no_issues(codes, probabilities)
    if len(rows) < max(FEWEST, ENOUGH * classes):
        return probabilities, filters.cautious_issues(codes, probabilities)
    if config.filter == "auto":
        views = fit_two_views(probabilities, vectors, evidence.lexical, codes, folds, classes, rows)
        if (pictures := evidence.pictures) is not None:
            views = add_picture_view(views, pictures.embeddings[rows], pictures.there[rows], codes, folds, classes)
        return probabilities, verdict_by_views(codes, views, config.prefer, config.min_precision)
    return probabilities, verdict_by_filter(
        codes,
        probabilities,
        refit,
        name=config.filter,
        least=config.planted,
        min_precision=config.min_precision,
        seed=seed,
    )


def carried_probes(task: Task, rows: np.ndarray, labels: Sequence[str], evidence: Evidence) -> FitProbes:
    """Linear probes of these rows, which go on from night to night; `labels` are the classes that they have."""

    def fit(name: str, learned: np.ndarray) -> list[FittedProbe]:
        codes = np.full(len(evidence.folds), -1)
        codes[rows] = learned
        return evidence.probes.by_fold(f"{task.name}: {name}", codes, labels)

    return fit
