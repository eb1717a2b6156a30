"""What rows mean, for the models that doubt their labels: of long texts, by the passages that tell labels apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tilth.cleaning.label_errors.models.out_of_fold_models import NeighborGraph
from tilth.learn import Evidence, nearest
from tilth.samples import Task


@dataclass(frozen=True)
class MeaningView:
    """Vectors of rows and the nearest of them.

    Attributes:
        vectors: L2-normalized, float32, shape (rows, dimensions).
        graph: of these vectors.
        is_whole: whether they are of the whole texts, as every stage has them.
    """

    vectors: np.ndarray
    graph: NeighborGraph
    is_whole: bool


def meaning_view(task: Task, codes: np.ndarray, rows: np.ndarray, neighbors: int, evidence: Evidence) -> MeaningView:
    """The vectors of labeled rows: of long texts by their passages, where these say more than the mean of all.

    Else labels would be called wrong because the mean of two thousand words says nothing of them. No label weighs the
    passages of its own text.

    Args:
        task: its `labels` order the codes.
        codes: of the labels as given, -1 for none, shape (rows of the table,).
        rows: those that are compared, ascending.
        neighbors: how many nearest rows.
        evidence: of the table.
    """
    learned = np.full(len(codes), -1)
    learned[rows] = codes[rows]
    focus = evidence.focus(task, task.decoded(learned).tolist())
    if focus.weights is None:
        graph = NeighborGraph.of(evidence.neighbors(neighbors, rows))
        return MeaningView(evidence.embeddings()[rows], graph, is_whole=True)
    vectors = evidence.focused(focus)[rows]
    return MeaningView(vectors, NeighborGraph.of(nearest(vectors, min(neighbors, len(rows) - 1))), is_whole=False)
