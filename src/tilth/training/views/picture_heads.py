"""Heads on the vectors of pictures: what they say of rows that they did not learn from, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tilth.learn import OutOfFold, apply_temperature, calibrate, cross_validate, fit_predict
from tilth.samples import Task
from tilth.training.export import PictureHead, Scope, log_certainty
from tilth.training.heads import class_prototypes, fit_head
from tilth.training.inputs import Config, PictureRows, TrainingSet


def out_of_fold(rows: PictureRows, task: Task) -> OutOfFold:
    """Predictions of every row by probes of the pictures that did not learn from it.

    Where the model of pictures learned from some, only the others count, by one probe that did not learn from them.
    """
    if rows.unseen is not None:
        codes = rows.codes[task.name]
        learned, measured = (codes >= 0) & ~rows.unseen, (codes >= 0) & rows.unseen
        said = fit_predict(rows.vectors[learned], codes[learned], rows.vectors, len(task.labels))
        temperature = calibrate(said[measured], codes[measured])
        probabilities = apply_temperature(said, temperature)
        return OutOfFold(probabilities=probabilities, labeled=measured, temperature=temperature)
    return cross_validate(
        rows.vectors,
        rows.codes[task.name],
        rows.folds,
        classes=len(task.labels),
        fold_count=int(rows.folds.max()) + 1,
        model=fit_predict,
    )


def fit_picture_head(
    rows: PictureRows,
    task: Task,
    temperature: float,
    taken: np.ndarray | None,
    chosen: Mapping[str, Any],
    *,
    kept: bool,
) -> PictureHead:
    """A head with its temperature and offsets in its weights, and its share beside the texts; 0 where it is not kept.

    Args:
        rows: the pictures.
        task: what it answers.
        temperature: what its logits are divided by.
        taken: what they are lowered by before, shape (classes,); None for nothing.
        chosen: `share` and `temperature` beside a text.
        kept: whether it counts beside a text.
    """
    known = rows.codes[task.name] >= 0
    weights = rows.weights[task.name][known]
    head = fit_head(task, rows.vectors[known], rows.codes[task.name][known], weights, uses_parent=False).shifted(taken)
    return PictureHead(
        weight=head.weight / temperature,
        bias=head.bias / temperature,
        share=float(chosen["share"]) if kept else 0.0,
        temperature=float(chosen["temperature"]) if kept else 1.0,
    )


def fit_picture_scope(
    rows: PictureRows,
    training_set: TrainingSet,
    tasks: Sequence[Task],
    held_out: Mapping[str, OutOfFold],
    config: Config,
) -> Scope:
    """How sure pictures that were not learned from are known, and how near to prototypes found without them."""
    known, fifth = rows.labeled, training_set.held_out & rows.labeled
    if not fifth.any() or not (known & ~fifth).any():
        return Scope(reject_below=config.reject_below or 0.0)
    codes = {task.name: np.where(fifth, -1, rows.codes[task.name]) for task in tasks}
    if not any((values >= 0).any() for values in codes.values()):
        return Scope(reject_below=config.reject_below or 0.0)
    prototypes = class_prototypes(rows.vectors, codes)
    nearest = np.clip((rows.vectors[fifth] @ prototypes.T).max(axis=1), 0, 1)
    logs = [np.log(np.maximum(held_out[task.name].probabilities[fifth], 1e-12)) for task in tasks]
    share, below = config.reject_share, config.reject_below
    return Scope.fit(log_certainty(logs), nearest, reject_share=share, reject_below=below)
