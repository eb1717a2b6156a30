"""The score of a night that has no gold rows: an estimate from its own labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tilth.learn import why_no_score
from tilth.samples import Task
from tilth.training.evaluation.held_out import HeldOutAnswers
from tilth.training.inputs import LabelDoubt, TrainingSet
from tilth.training.views import PictureView

_FEWEST = 50
"""Held-out rows by which the exported model is set beside the cross-validated one; fewer would add more chance."""


def estimated_scores(
    truth: np.ndarray,
    training_set: TrainingSet,
    pictures: PictureView,
    task: Task,
    answers: HeldOutAnswers | None,
) -> dict[str, Any]:
    """Macro-F1 and accuracy that a task's model is expected to have; null with the reason where nothing is known.

    Every labeled row is predicted by cross-validated linear models, and every label counts for as much as it is
    believed, for what cleaning doubts is mostly what is hard. What the exported model is better or worse than those is
    added as the held-out fifth shows it, where both answered the same rows (a control variate).

    Args:
        truth: class codes of the rows whose labels are settled (see `cross_validated`).
        training_set: the rows.
        pictures: the view of rows with a picture.
        task: of them.
        answers: of the exported model to held-out rows.
    """
    if (why := why_no_score(task.decoded(truth).tolist())) is not None:
        return {"macro_f1": None, "accuracy": None, "why": why}
    rows, everywhere, doubt = _predictions(training_set, pictures, task)
    found = doubt.expected_scores(rows, everywhere[rows], len(task.labels))
    if answers is not None and task.name in answers.codes:
        both = rows & answers.rows
        if both.sum() >= _FEWEST:
            own = answers.codes[task.name][both[answers.rows]]
            exported = doubt.expected_scores(both, own, len(task.labels))
            linear = doubt.expected_scores(both, everywhere[both], len(task.labels))
            found = {kind: min(1.0, max(0.0, found[kind] + exported[kind] - linear[kind])) for kind in found}
    return {kind: round(value, 4) for kind, value in found.items()}


def _predictions(
    training_set: TrainingSet, pictures: PictureView, task: Task
) -> tuple[np.ndarray, np.ndarray, LabelDoubt]:
    """Which rows have a label to count, every row's predicted class, and what is believed of the labels."""
    by_text, codes = training_set.out_of_fold[task.name], training_set.codes[task.name]
    doubt = training_set.doubts.get(task.name) or LabelDoubt.none(codes)
    rows, predicted = (by_text.labeled | doubt.doubted) & (codes >= 0), by_text.predicted
    alone = pictures.measured(task)
    if alone is not None and pictures.rows is not None:
        predicted = np.where(alone, pictures.held_out[task.name].predicted, predicted)
        shown = np.where(alone, pictures.rows.codes[task.name], doubt.codes[:, 0])
        doubt = replace(doubt, codes=np.column_stack([shown, doubt.codes[:, 1]]))
        rows = rows | alone
    return rows, predicted, doubt
