"""Labels of rows with a picture alone, compared with models of the pictures that did not learn from them.

There is one view of such a row, so that no two of them can tell how often each errs: what two of cleanlab's filters
flag, and the models find improbable, is taken for wrong, as with texts of few labels.
"""

from __future__ import annotations

import numpy as np

from tilth.cleaning.label_errors import filters
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import Verdict
from tilth.cleaning.label_errors.models import NeighborGraph, fit_evidence_models
from tilth.learn import Evidence


def verdict_by_pictures(
    codes: np.ndarray, rows: np.ndarray, few: int, config: LabelErrorsConfig, evidence: Evidence
) -> Verdict | None:
    """What models of the pictures make of each label; None where there are no pictures.

    Args:
        codes: the labels as given, those that occur numbered from 0, shape (rows,).
        rows: ascending positions of rows of a picture alone in the table.
        few: labels a class below which none is flagged.
        config: `[cleaning]`.
        evidence: of the table.
    """
    pictures = evidence.pictures
    if pictures is None:
        return None
    classes = int(codes.max()) + 1
    graph = NeighborGraph.of(pictures.neighbors(config.neighbors, rows))
    models = fit_evidence_models(
        pictures.embeddings[rows], graph, codes, evidence.folds[rows], classes, config.rounds, None, None
    )
    return (filters.no_issues if len(rows) < few * classes else filters.cautious_issues)(codes, models)
