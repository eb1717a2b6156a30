"""From each task's probabilities to labels that agree: a child's label always lies under its parent's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NONE = -1
"""Code of "no label": the parent's label has no child."""


def decide(
    tasks: Sequence[Mapping[str, Any]], probabilities: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels by joint probability, the child's first; its ancestors follow from it.

    Args:
        tasks: mappings with `name`, `labels`, `parent`, `parent_of`, parents before children.
        probabilities: each task's, shape (texts, labels).

    Returns:
        For each task the codes, shape (texts,), `NONE` where no label fits, and the task's own calibrated
        probability of the label, shape (texts,), 0 where there is none.
    """
    known = {str(task["name"]): task for task in tasks if task["name"] in probabilities}
    joint = _joint(known, probabilities)
    count = len(next(iter(probabilities.values()))) if probabilities else 0
    codes = {name: np.full(count, NONE, dtype=np.int64) for name in known}
    for row in range(count):
        for name, label in _row(known, probabilities, joint, row).items():
            codes[name][row] = label
    return {
        name: (
            code,
            np.where(code >= 0, probabilities[name][np.arange(count), np.maximum(code, 0)], 0).astype(np.float32),
        )
        for name, code in codes.items()
    }


def _up(known: Mapping[str, Mapping[str, Any]], name: str) -> tuple[str, np.ndarray] | None:
    """The parent's name and, for each label, its parent's code (NONE where it is not declared)."""
    task = known[name]
    if task["parent"] not in known:
        return None
    index = {label: code for code, label in enumerate(known[task["parent"]]["labels"])}
    up = [index.get(task["parent_of"].get(label), NONE) for label in task["labels"]]
    return str(task["parent"]), np.array(up, dtype=np.int64)


def _joint(known: Mapping[str, Mapping[str, Any]], probabilities: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    joint: dict[str, np.ndarray] = {}
    for name in known:
        joint[name] = probabilities[name].astype(np.float64)
        if (above := _up(known, name)) is not None:
            parent, up = above
            joint[name] *= np.where(up >= 0, joint[parent][:, np.maximum(up, 0)], 1.0)
    return joint


def _row(
    known: Mapping[str, Mapping[str, Any]],
    probabilities: Mapping[str, np.ndarray],
    joint: Mapping[str, np.ndarray],
    row: int,
) -> dict[str, int]:
    fixed: dict[str, int] = {}
    for name in reversed(list(known)):
        if name in fixed:
            continue
        scores = joint[name][row].copy()
        above = _up(known, name)
        if above is not None:
            parent, up = above
            wanted = fixed.get(parent, int(probabilities[parent][row].argmax()))
            # A parent's label without any child cannot be reached from below: where it leads, the child has none.
            if parent in fixed or not (up == wanted).any():
                scores[(up != wanted) & (up >= 0)] = -1.0
        best = int(scores.argmax())
        fixed[name] = best if scores[best] >= 0 else NONE
        _fix_ancestors(known, name, fixed)
    return fixed


def _fix_ancestors(known: Mapping[str, Mapping[str, Any]], name: str, fixed: dict[str, int]) -> None:
    while fixed[name] >= 0 and (above := _up(known, name)) is not None:
        parent, up = above
        if up[fixed[name]] < 0 or parent in fixed:
            return
        fixed[parent] = int(up[fixed[name]])
        name = parent
