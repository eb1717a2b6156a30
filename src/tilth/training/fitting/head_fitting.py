"""The linear heads of a night's model: fitted to vectors, calibrated, a child's with its parent's probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.learn import calibrate
from tilth.samples import Task
from tilth.training.heads import Head
from tilth.training.inputs import TrainingSet, fit_head_of_rows

_SURE = 1.96
"""Standard errors by which more held-out rows must be mended than spoiled."""


def fit_task_head(
    training_set: TrainingSet, task: Task, embeddings: np.ndarray, rows: np.ndarray, parent: np.ndarray | None = None
) -> Head:
    """The head of one task, fitted to its rows in a boolean mask.

    Args:
        training_set: classes and weights.
        task: which one.
        embeddings: shape (rows, dimensions).
        rows: boolean, shape (rows,).
        parent: the parent's probabilities, shape (rows, labels of the parent), where they are features too.
    """
    chosen = rows & (training_set.codes[task.name] >= 0)
    features = embeddings if parent is None else np.concatenate([embeddings, parent], axis=1)
    beside = _named_features(training_set, task, features[chosen], chosen)
    return fit_head_of_rows(training_set, task, features[chosen], chosen, uses_parent=parent is not None, beside=beside)


def _named_features(
    training_set: TrainingSet, task: Task, features: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Features and codes of the texts of the classes that these rows have; None where there are none.

    What the features hold beyond the vector is for each text what the rows of its class have on average.
    """
    if task.name not in training_set.named:
        return None
    codes = training_set.codes[task.name][rows]
    named = training_set.named[task.name].of_classes(codes)
    if not named.texts:
        return None
    width = named.vectors.shape[1]
    means = [features[codes == code, width:].mean(axis=0) for code in named.codes]
    return np.concatenate([named.vectors, np.stack(means)], axis=1), named.codes


def calibrated_heads(
    training_set: TrainingSet, embeddings: np.ndarray, without_held_out: Sequence[Head] | None
) -> list[Head]:
    """Heads from all rows; where the encoder is tuned, those fitted without the held-out rows give the temperature."""
    heads: list[Head] = []
    for position, task in enumerate(training_set.tasks):
        parent = _useful_parent(training_set, task, embeddings)
        head = fit_task_head(training_set, task, embeddings, training_set.labeled, parent)
        temperature = training_set.out_of_fold[task.name].temperature
        if without_held_out is not None:
            measured = training_set.measured(task)
            probabilities = without_held_out[position].probabilities(embeddings[measured])
            temperature = calibrate(probabilities, training_set.codes[task.name][measured])
        heads.append(head.with_temperature(temperature * training_set.softening[task.name]))
    return heads


def _useful_parent(training_set: TrainingSet, task: Task, embeddings: np.ndarray) -> np.ndarray | None:
    """The parent's out-of-fold probabilities, where as features they help the child on held-out rows, beyond chance.

    By McNemar's test: of clinc150 with two rows an intent, held-out rows told nothing either way, and the features,
    taken on a tie, cost its intents up to five points of macro-F1.
    """
    if task.parent not in training_set.out_of_fold:
        return None
    parent = training_set.out_of_fold[str(task.parent)].probabilities
    measured, training_rows = training_set.measured(task), training_set.outside_hold_out
    if not measured.any() or not (training_rows & (training_set.codes[task.name] >= 0)).any():
        return None
    truth = training_set.codes[task.name][measured]
    alone = fit_task_head(training_set, task, embeddings, training_rows).probabilities(embeddings[measured])
    features = np.concatenate([embeddings, parent], axis=1)[measured]
    both = fit_task_head(training_set, task, embeddings, training_rows, parent).probabilities(features)
    right, before = both.argmax(1) == truth, alone.argmax(1) == truth
    gained, lost = int((right & ~before).sum()), int((before & ~right).sum())
    return parent if gained - lost > _SURE * np.sqrt(gained + lost) else None


def fit_without_held_out(training_set: TrainingSet, embeddings: np.ndarray, heads: Sequence[Head]) -> list[Head]:
    """Heads with the temperatures of a model's own, that did not learn from held-out rows."""
    temperatures = {head.task.name: head.temperature for head in heads}
    fitted = [
        fit_task_head(training_set, task, embeddings, training_set.outside_hold_out) for task in training_set.tasks
    ]
    return [head.with_temperature(temperatures[head.task.name]) for head in fitted]
