"""The classes of each task, and the parents that they stand under, by the rows that are no gold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tilth import samples as table
from tilth.config import TaskConfig
from tilth.errors import InputError
from tilth.io.labels import given_labels
from tilth.io.labels.label_mapping import LabelMapping
from tilth.notes import Notes
from tilth.samples import Split, Task

SLIP = 0.05
"""Share of a label's rows below which a second parent is taken for a slip of whoever labeled: those rows keep their
labels, and nothing else goes by them."""


def find_tasks(
    frame: pd.DataFrame, configured: Sequence[TaskConfig], notes: Notes, mapping: LabelMapping
) -> tuple[Task, ...]:
    """The tasks with their classes and parents: those that the config declares, else those of the rows but gold.

    Raises:
        InputError: a task without a label, or with a name that the table needs.
    """
    learned = frame[frame["split"].ne(Split.GOLD)]
    tasks: list[Task] = []
    for config in configured:
        if table.reserved(config.name, [other.name for other in configured]):
            raise InputError(f'task "{config.name}" has the name of a column of the table; rename it in [[tasks]]')
        found_labels = {*current_labels(learned, config.name).dropna(), *mapping.changes.classes(config.name)}
        labels = config.labels or tuple(sorted(found_labels))
        if not labels:
            raise InputError(f'task "{config.name}": no row has a label, so declare its classes: labels = ["…", "…"]')
        parents_by_label = _parents(learned, config, {task.name: task.labels for task in tasks}, notes)
        parents_by_label |= mapping.parents(learned, config, parents_by_label)
        tasks.append(
            Task(
                name=config.name,
                labels=labels,
                parent=config.parent,
                parent_of={label: parents[0] for label, parents in parents_by_label.items()},
                parents_of={label: parents for label, parents in parents_by_label.items() if len(parents) > 1},
                fixed=bool(config.labels),
            )
        )
    return tuple(tasks)


def current_labels(frame: pd.DataFrame, task: str) -> pd.Series:
    """Each row's label by people: what somebody answered, else what was given, and none where no class fits."""
    given = frame[f"{task}_given"]
    if f"{task}_answer" not in frame:
        return given
    answer = frame[f"{task}_answer"]
    return answer.where(answer.notna(), given.where(~frame[f"{task}_none"], None)).rename(f"{task}_given")


def _parents(
    frame: pd.DataFrame, config: TaskConfig, labels: Mapping[str, Sequence[str]], notes: Notes
) -> dict[str, tuple[str, ...]]:
    """The parents that each label stands under, the most common first, by the rows that hold both.

    Only parents among their task's labels count, and of a label's several not what is rare enough to be a slip.
    """
    if config.parent is None:
        return {}
    both = pd.concat([current_labels(frame, config.name), current_labels(frame, config.parent)], axis=1)
    both = both[both.iloc[:, 1].isin(labels[config.parent])].dropna()
    counts = both.value_counts(sort=False).sort_index(ascending=[True, False]).rename("rows").reset_index()
    counts.columns = pd.Index(["label", "parent", "rows"])
    counts = counts.sort_values("rows", ascending=False, kind="stable")
    given_labels.note_parents(counts, frame, config.name, config.parent, notes)
    whole = counts.groupby("label")["rows"].transform("sum")
    parents: dict[str, tuple[str, ...]] = {}
    for label, parent in counts.loc[counts["rows"] >= SLIP * whole, ["label", "parent"]].itertuples(index=False):
        parents[label] = (*parents.get(label, ()), parent)
    return parents
