"""Classes that the input had the night before and has no more: gone, or under another name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.notes import listed
from tilth.samples import Task


def classes_gone(before: Mapping[str, Any], tasks: Sequence[Task]) -> list[str]:
    """What is said of classes that the latest night had and this input has not, a sentence a task.

    A class that was renamed, merged or split by `tilth labels` is not among them, nor one that the config lists.

    Args:
        before: the latest night's record.
        tasks: of this night, with the labels of its input.
    """
    earlier = {task["name"]: task["labels"] for task in before.get("tasks", ())}
    said = []
    for task in tasks:
        gone = [label for label in earlier.get(task.name, ()) if label not in (*task.labels, *task.former)]
        new = [label for label in task.labels if label not in earlier.get(task.name, ())]
        if not gone:
            continue
        sentence = f'no row has {_classes(gone)} of task "{task.name}" any more, which the night before had'
        if new:
            verb = "is" if len(new) == 1 else "are"
            sentence += f", and {_classes(new)} {verb} new; for a mere change of name: tilth labels rename OLD NEW"
        said.append(sentence)
    return said


def _classes(labels: Sequence[str]) -> str:
    return f"the class {listed(labels)}" if len(labels) == 1 else f"{len(labels):,} classes ({listed(labels)})"
