"""From each task's probabilities to labels that agree: a child's label always lies under its parent's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NONE = -1
"""Code of "no label": the parent's label has no child."""


@dataclass(frozen=True, kw_only=True)
class _Level:
    """One task among those above and below it.

    Attributes:
        probabilities: its own, shape (rows, labels).
        joint: these times the best joint probability above, shape (rows, labels).
        parent: the name of the task above, if any.
        parents: the codes of the parent's labels that each label may stand under, the most common first, `NONE` beyond
            their number, shape (labels, most).
    """

    probabilities: np.ndarray
    joint: np.ndarray
    parent: str | None
    parents: np.ndarray

    @property
    def has_parent(self) -> np.ndarray:
        """Boolean, shape (labels,): the label has a parent that is known; the others may stand anywhere."""
        return np.asarray(self.parents[:, 0] != NONE)

    def allowed(self, parent_labels: int) -> np.ndarray:
        """Boolean, shape (parent's labels, labels): whether a label may stand under a parent's."""
        allowed = np.zeros((parent_labels, len(self.parents)), dtype=bool)
        labels, ranks = np.nonzero(self.parents != NONE)
        allowed[self.parents[labels, ranks], labels] = True
        return allowed


def decide(
    tasks: Sequence[Mapping[str, Any]], probabilities: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels by joint probability, the child's first; its ancestors follow from it.

    Args:
        tasks: mappings with `name`, `labels`, `parent`, `parent_of` and perhaps `parents_of`, parents before children.
        probabilities: each task's, shape (texts, labels).

    Returns:
        For each task the codes, shape (texts,), `NONE` where no label fits, and the task's own calibrated
        probability of the label, shape (texts,), 0 where there is none.
    """
    known = [task for task in tasks if task["name"] in probabilities]
    if not any(task["parent"] for task in known):  # nothing is to agree
        return {task["name"]: _most_probable(np.asarray(probabilities[task["name"]])) for task in known}
    levels = _levels(known, probabilities)
    count = len(next(iter(probabilities.values()))) if probabilities else 0
    codes = {name: np.full(count, NONE, dtype=np.int64) for name in levels}
    fixed = {name: np.zeros(count, dtype=bool) for name in levels}
    for name in reversed(list(levels)):
        rows = np.flatnonzero(~fixed[name])
        codes[name][rows] = _best(levels, name, rows, codes, fixed)
        fixed[name][rows] = True
        _fix_ancestors(levels, name, rows, codes, fixed)
    every = np.arange(count)
    return {
        name: (code, np.where(code >= 0, probabilities[name][every, np.maximum(code, 0)], 0).astype(np.float32))
        for name, code in codes.items()
    }


def _most_probable(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's code and its probability, both of shape (rows,)."""
    codes = probabilities.argmax(axis=1)
    return codes, probabilities[np.arange(len(codes)), codes].astype(np.float32)


def _levels(tasks: Sequence[Mapping[str, Any]], probabilities: Mapping[str, np.ndarray]) -> dict[str, _Level]:
    levels: dict[str, _Level] = {}
    codes: dict[str, dict[str, int]] = {}
    for task in tasks:
        name, parent = str(task["name"]), task["parent"] if task["parent"] in levels else None
        own = np.asarray(probabilities[name])
        parents, joint = _parent_codes(task, codes.get(str(parent), {})), own.astype(np.float64)
        if parent is not None:
            above = levels[parent].joint
            best = above[:, np.maximum(parents[:, 0], 0)]
            for rank in range(1, parents.shape[1]):
                several = parents[:, rank] != NONE
                best[:, several] = np.maximum(best[:, several], above[:, parents[several, rank]])
            joint *= np.where(parents[:, 0] != NONE, best, 1.0)
        levels[name] = _Level(probabilities=own, joint=joint, parent=parent, parents=parents)
        codes[name] = {label: code for code, label in enumerate(task["labels"])}
    return levels


def _parent_codes(task: Mapping[str, Any], codes: Mapping[str, int]) -> np.ndarray:
    """See `_Level.parents`; a parent's label that its task does not declare is none."""
    several = task.get("parents_of") or {}
    known = []
    for label in task["labels"]:
        allowed = several.get(label) or [task["parent_of"].get(label)]
        known.append([codes[parent] for parent in allowed if parent in codes])
    parents = np.full((len(known), max([1, *map(len, known)])), NONE, dtype=np.int64)
    for code, row in enumerate(known):
        parents[code, : len(row)] = row
    return parents


def _best(
    levels: Mapping[str, _Level],
    name: str,
    rows: np.ndarray,
    codes: Mapping[str, np.ndarray],
    fixed: Mapping[str, np.ndarray],
) -> np.ndarray:
    """The most probable label of each of the rows, shape (rows,); `NONE` where none may stand under the parent's."""
    level = levels[name]
    scores = level.joint[rows]
    if level.parent is not None:
        settled = fixed[level.parent][rows]
        above = levels[level.parent].probabilities
        parent_codes = np.where(settled, codes[level.parent][rows], above[rows].argmax(axis=1))
        allowed = level.allowed(above.shape[1])
        # A parent's label without any child cannot be reached from below: where it is the most probable one, the
        # child has none.
        bound = settled | np.isin(parent_codes, np.flatnonzero(allowed.any(axis=1)), invert=True)
        scores[bound] = np.where(~allowed[parent_codes[bound]] & level.has_parent, -1.0, scores[bound])
    best = scores.argmax(axis=1)
    return np.where(scores[np.arange(len(rows)), best] >= 0, best, NONE)


def _fix_ancestors(
    levels: Mapping[str, _Level],
    name: str,
    rows: np.ndarray,
    codes: dict[str, np.ndarray],
    fixed: dict[str, np.ndarray],
) -> None:
    """Let the labels of these rows settle what stands above them, where nothing has yet."""
    while (parent := levels[name].parent) is not None:
        rows = rows[codes[name][rows] != NONE]
        rows = rows[~fixed[parent][rows] & levels[name].has_parent[codes[name][rows]]]
        allowed = levels[name].parents[codes[name][rows]]
        joint = np.where(allowed != NONE, levels[parent].joint[rows[:, None], np.maximum(allowed, 0)], -1.0)
        codes[parent][rows] = allowed[np.arange(len(rows)), joint.argmax(axis=1)]
        fixed[parent][rows] = True
        name = parent
