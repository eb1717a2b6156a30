"""One task's head, by what the training set knows of its labels."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tilth.learn import NamedClasses
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
    named: NamedClasses | None = None,
) -> Head:
    """Stiff where many of the task's labels may be wrong; else with rare classes counted for as much as they are to.

    Args:
        training_set: classes and weights.
        task: which one.
        features: of these rows alone, shape (these rows, features).
        rows: places of rows with a label, or a mask of them.
        uses_parent: whether the features hold the parent's probabilities.
        named: texts of the classes, which are learned from beside the rows where `features` begins with such vectors as
            theirs; a stiff head is one of many labels, and needs none.
    """
    codes, weights = training_set.codes[task.name][rows], training_set.weights[task.name][rows]
    if (noisy := training_set.noisy.get(task.name)) is not None:
        return fit_stiff_head(task, features, codes, weights, noisy.folds[rows], uses_parent=uses_parent)[0]
    if named is not None and (named := named.of_classes(codes)).texts:
        features = np.concatenate([features, _features_of(named, np.asarray(features), codes)])
        codes, weights = named.codes_beside(codes), np.concatenate([weights, np.ones(len(named.codes))])
    head = fit_head(task, features, codes, weights, uses_parent=uses_parent)
    return head.shifted(training_set.offsets.get(task.name))


def _features_of(named: NamedClasses, features: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Vectors of the classes' texts, with what else is known of a row as the rows of the class have it on average."""
    width = named.vectors.shape[1]
    means = [features[codes == code, width:].mean(axis=0) for code in named.codes]
    return np.concatenate([named.vectors, np.stack(means)], axis=1)
