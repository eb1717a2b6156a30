"""One task's head, by what the training set knows of its labels."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tilth.samples import Task
from tilth.training.heads import Head, fit_head, fit_stiff_head
from tilth.training.inputs.training_set import TrainingSet


def fit_head_of_rows(
    training_set: TrainingSet,
    task: Task,
    features: np.ndarray | sparse.csr_matrix,
    rows: np.ndarray,
    *,
    uses_parent: bool = False,
    beside: tuple[np.ndarray | sparse.csr_matrix, np.ndarray] | None = None,
) -> Head:
    """Stiff where many of the task's labels may be wrong; else with rare classes counted for as much as they are to.

    Args:
        training_set: classes and weights.
        task: which one.
        features: of these rows alone, shape (these rows, features).
        rows: places of rows with a label, or a mask of them.
        uses_parent: whether the features hold the parent's probabilities.
        beside: features and codes of texts of the classes, which are learned from where a row has the class; a stiff
            head is one of many labels, and needs none.
    """
    codes, weights = training_set.codes[task.name][rows], training_set.weights[task.name][rows]
    if (noisy := training_set.noisy.get(task.name)) is not None:
        return fit_stiff_head(task, features, codes, weights, noisy.folds[rows], uses_parent=uses_parent)[0]
    if beside is not None and (present := np.isin(beside[1], codes)).any():
        stack = sparse.vstack if sparse.issparse(features) else np.concatenate
        features = stack([features, beside[0][present]])
        codes = np.concatenate([codes, beside[1][present]])
        weights = np.concatenate([weights, np.ones(int(present.sum()))])
    head = fit_head(task, features, codes, weights, uses_parent=uses_parent)
    return head.shifted(training_set.offsets.get(task.name))
