"""A night reads every label by the name that its class has today: given labels, gold, votes, answers, the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from tilth.config import Settings, TaskConfig
from tilth.notes import Notes
from tilth.samples import Split, Task
from tilth.store import LabelChanges

SPLIT = "label_split"
"""Why a row comes back to people, in the column `ask_again`: its class was split."""


@dataclass
class LabelMapping:
    """The changes of a workspace, and the rows that they leave without a label.

    Attributes:
        changes: what people renamed, merged and split.
        split_rows: task → ids of rows whose class was split → the class that it was.
    """

    changes: LabelChanges
    split_rows: dict[str, dict[str, str]] = field(default_factory=dict)

    def config(self, settings: Settings) -> Settings:
        """The settings with each task's declared classes, and the sentences on them, as they are called today."""
        if not self.changes.active:
            return settings
        tasks = tuple(
            task.model_copy(update={"labels": self._labels(task)}) if task.labels else task for task in settings.tasks
        )
        data = settings.data.model_copy(update={"definitions": self.definitions(settings)})
        return settings.model_copy(update={"tasks": tasks, "data": data})

    def definitions(self, settings: Settings) -> dict[str, str]:
        """Each class as it is called today → its sentence of `[data.definitions]`.

        A merged class has the sentences of all that it was, one after the other, but where the config has one for its
        new name; a class that was split has none.
        """
        written = settings.data.definitions
        changed: dict[str, list[str]] = {}
        former = {(one.task, label) for one in self.changes.active for label in one.before}
        for task, label in sorted(former, key=lambda pair: list(written).index(pair[1]) if pair[1] in written else 0):
            today = self.changes.given(task, label)
            if label in written and today is not None and today not in written:
                changed.setdefault(today, []).append(written[label])
        names = {label for _, label in former}
        kept = {label: sentence for label, sentence in written.items() if label not in names}
        return kept | {label: " ".join(sentences) for label, sentences in changed.items()}

    def _labels(self, task: TaskConfig) -> tuple[str, ...]:
        there = [name for label in task.labels if (name := self.changes.given(task.name, label)) is not None]
        return tuple(dict.fromkeys([*there, *self.changes.classes(task.name)]))

    def apply(self, frame: pd.DataFrame, votes: pd.DataFrame, task: str, notes: Notes) -> pd.DataFrame:
        """Put today's names in place of one task's given labels, in a frame that the caller owns.

        Returns:
            The annotators' votes by today's names, without those for a class that was split.
        """
        if not self.changes.of(task):
            return votes
        given = frame[f"{task}_given"]
        today = given.map(lambda label: self.changes.given(task, label), na_action="ignore").astype(object)
        today = today.where(today.notna(), None)
        moved = given.notna() & today.notna() & today.ne(given)
        notes.rows("labels_renamed", frame, moved, "label", f'of task "{task}" are read by their new name')
        lost = given.notna() & today.isna()
        rest = f'of task "{task}" were of a class that was split: no label, and asked again'
        notes.rows("labels_split", frame, lost, "label", rest)
        self.split_rows[task] = dict(zip(frame["id"][lost], given[lost], strict=True))
        frame[f"{task}_given"] = today
        mine = votes["task"].eq(task)
        voted = votes.loc[mine, "label"].map(lambda label: self.changes.given(task, label), na_action="ignore")
        named = votes["label"].astype(object).mask(mine, voted.astype(object))
        return votes.assign(label=named)[named.notna()].reset_index(drop=True)

    def answers(self, current: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        """People's answers by today's names; those whose class was split since are none, and their rows asked again.

        What a person had overruled does not come back: such a row's given label goes, in a frame that the caller owns.
        """
        tasks = {one.task for one in self.changes.every}
        touched = current["task"].isin(tasks) & current["label"].notna()
        if not touched.any():
            return current
        current = current.copy()
        rows = zip(*(current.loc[touched, name] for name in ("task", "label", "at")), strict=True)
        today = pd.Series([self.changes.answered(*row) for row in rows], index=current.index[touched], dtype=object)
        lost = today.index[today.isna()]
        for task, row_id, label in current.loc[lost, ["task", "row_id", "label"]].itertuples(index=False, name=None):
            self.split_rows.setdefault(task, {})[row_id] = label
        for task in tasks:
            overruled = frame["id"].isin(current.loc[lost, "row_id"][current.loc[lost, "task"].eq(task)])
            frame.loc[overruled & frame["split"].ne(Split.GOLD), f"{task}_given"] = None
        current.loc[touched, "label"] = today
        return current.drop(index=lost)

    def ask_again(self, frame: pd.DataFrame, tasks: tuple[Task, ...]) -> None:
        """Send rows of a split class that nobody has answered since to people, in a frame that the caller owns."""
        ids = {row_id: task for task, rows in self.split_rows.items() for row_id in rows}
        if not ids:
            return
        waiting = frame["id"].isin(ids) & frame["split"].ne(Split.GOLD)
        for task in tasks:
            if f"{task.name}_answer" in frame:
                answered = frame[f"{task.name}_answer"].notna() | frame[f"{task.name}_none"]
                waiting &= ~(answered & frame["id"].map(ids).eq(task.name))
        before = frame["ask_again"] if "ask_again" in frame else pd.Series(None, index=frame.index, dtype=object)
        frame["ask_again"] = before.mask(waiting & before.isna(), SPLIT)

    def parents(
        self, frame: pd.DataFrame, task: TaskConfig, known: Mapping[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        """The parent of classes that a split made and no row has yet: that of the rows of the class that it was."""
        if task.parent is None or task.name not in self.split_rows:
            return {}
        was = frame["id"].map(self.split_rows[task.name])
        parent = frame[f"{task.parent}_given"]
        missing: dict[str, tuple[str, ...]] = {}
        for change in self.changes.of(task.name):
            above = parent[was.eq(change.before[0])].dropna().mode()
            if change.kind == "split" and len(above):
                missing |= {label: (str(above.iloc[0]),) for label in change.after if label not in known}
        return missing

    def in_force(self, task: Task, declared: TaskConfig) -> Task:
        """The task, knowing what its classes were called before."""
        former = self.former(declared, task.labels)
        return replace(task, former=former, places=self.places(declared, task.labels)) if former else task

    def former(self, task: TaskConfig, labels: tuple[str, ...]) -> dict[str, str | None]:
        """What a function may still return → what that class is called today; None where it was split.

        Args:
            task: as the config declares it.
            labels: its classes tonight.
        """
        names = {label for one in self.changes.of(task.name) for label in one.before} - set(labels)
        return {name: self.changes.given(task.name, name) for name in sorted(names)}

    def places(self, task: TaskConfig, labels: tuple[str, ...]) -> tuple[int, ...]:
        """The code tonight of each class that the config declares, in its order, -1 where it was split."""
        today = [self.changes.given(task.name, label) for label in task.labels]
        return tuple(labels.index(label) if label in labels else -1 for label in today)
