"""What is known of a child's labels, said of its parent's: where an intent is right, so is its area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.operating_point import with_probabilities
from tilth.samples import Task


@dataclass(frozen=True, kw_only=True)
class Child:
    """A child task that was checked before.

    Attributes:
        task: the child.
        probabilities: of its labels, by models that did not learn from the row, shape (rows of the frame, labels); NaN
            for rows that took no part.
        right: the probability that its given label is right, shape (rows of the frame,); NaN where nobody can say.
    """

    task: Task
    probabilities: np.ndarray
    right: np.ndarray


def summed_by_parent(task: Task, children: Sequence[Child]) -> np.ndarray:
    """The children's probabilities summed up by parent, shape (rows, labels); NaN where no child has any."""
    index = {label: code for code, label in enumerate(task.labels)}
    parts = []
    for child in children:
        to_parent = np.zeros((len(child.task.labels), len(task.labels)))
        for code, label in enumerate(child.task.labels):
            parents = [index[parent] for parent in child.task.parents(label) if parent in index]
            to_parent[code, parents] = 1 / max(len(parents), 1)  # of several, the child does not say which
        parts.append(child.probabilities @ to_parent)
    stacked = np.stack(parts)
    known = np.logical_not(np.any(np.isnan(stacked), axis=2))
    mean = np.where(known[:, :, None], stacked, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)[:, None]
    return np.where(known.any(axis=0)[:, None], mean, np.nan)


def right_by_children(
    verdict: Verdict,
    frame: pd.DataFrame,
    task: Task,
    rows: np.ndarray,
    children: Sequence[Child],
    config: LabelErrorsConfig,
) -> Verdict:
    """The verdict on a parent's labels, none of which is less likely right than a child's label under it.

    For where the child's label is right, the parent's is. The models of a parent are the poorer ones: its classes are
    few and wide, and texts at their borders look like those of the neighbor.

    Args:
        verdict: on these rows, by the probability that each label is wrong; any other stays as it is.
        frame: the whole table.
        task: the parent.
        rows: positions in the frame of the rows with a verdict.
        children: those tasks that lie under it.
        config: where the cut lies.
    """
    if verdict.name != TWO_VIEWS or verdict.rate is None:
        return verdict
    given = frame[f"{task.name}_given"].iloc[rows].tolist()
    least = np.zeros(len(rows))
    for child in children:
        labels = frame[f"{child.task.name}_given"].iloc[rows]
        under = [
            pd.notna(label) and child.task.parents(label) == (own,) for label, own in zip(labels, given, strict=True)
        ]
        least = np.fmax(least, np.where(under, child.right[rows], 0.0))
    wrong = np.minimum(verdict.wrong, 1 - least)
    fewer = wrong.sum() / max(float(verdict.wrong.sum()), np.finfo(float).tiny)
    rate = replace(verdict.rate, **{end: getattr(verdict.rate, end) * fewer for end in ("share", "low", "high")})
    at_most = None if verdict.at_most is None else np.minimum(verdict.at_most, 1 - least)
    return with_probabilities(verdict, wrong, at_most, rate, config)
