"""Classes that people renamed, merged or split: one list of changes, which `--undo` adds to and never takes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tilth.errors import DamagedFileError, RequestError, did_you_mean
from tilth.store.files import digest_json, read_json, write_json
from tilth.store.runs import now

FILE = "label-changes.json"
VERSION = 1
SPLIT = "split"


@dataclass(frozen=True, kw_only=True)
class LabelChange:
    """One change of a task's classes.

    Attributes:
        kind: `rename` (one into one), `merge` (several into one) or `split` (one into several).
        task: whose classes.
        before: the classes as they were called.
        after: as they are called from then on.
        at: when, UTC, ISO 8601.
        undoes: the place, from 0, of the change that this one takes back; its reverse, for answers given in between.
    """

    kind: str
    task: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    at: str
    undoes: int | None = None


@dataclass(frozen=True, kw_only=True)
class LabelChanges:
    """All changes of a workspace, oldest first."""

    every: tuple[LabelChange, ...] = ()

    @classmethod
    def read(cls, data: Path) -> LabelChanges:
        """Those of a workspace's data folder; none where there is no file.

        Raises:
            DamagedFileError: the file is not what tilth wrote.
            RequestError: a newer tilth wrote it.
        """
        path = data / FILE
        if not path.exists():
            return cls()
        record = read_json(path)
        try:
            if record["version"] > VERSION:
                raise RequestError(f"{path} was written by a newer tilth; upgrade: pip install -U tilth")
            changes = [
                LabelChange(**{**one, "before": tuple(one["before"]), "after": tuple(one["after"])})
                for one in record["changes"]
            ]
        except (KeyError, TypeError) as error:
            raise DamagedFileError(f"{path} is damaged ({error!r}); put it back from a backup") from error
        return cls(every=tuple(changes))

    def write(self, data: Path) -> None:
        """Keep them, whole or not at all."""
        write_json(data / FILE, {"version": VERSION, "changes": [asdict(one) for one in self.every]})

    @property
    def active(self) -> list[LabelChange]:
        """Those that are not taken back."""
        undone = {one.undoes for one in self.every}
        return [one for place, one in enumerate(self.every) if one.undoes is None and place not in undone]

    def of(self, task: str) -> list[LabelChange]:
        """The active ones of a task."""
        return [one for one in self.active if one.task == task]

    def given(self, task: str, label: str) -> str | None:
        """What a label of the input, or of a function, is called today; None where its class was split.

        >>> changes = LabelChanges(every=(LabelChange(kind="merge", task="t", before=("a", "b"), after=("c",), at=""),))
        >>> changes.given("t", "b"), changes.given("t", "x")
        ('c', 'x')
        """
        return _through(label, self.of(task))

    def answered(self, task: str, label: str, at: str) -> str | None:
        """The same for what a person answered at some time: only what came later changes it, an undo too.

        A change that came later and was taken back since changes nothing: the person knew the class of before.
        """
        later = {place: one for place, one in enumerate(self.every) if one.task == task and one.at > at}
        back = {place: one.undoes for place, one in later.items() if one.undoes in later}
        return _through(label, [one for place, one in later.items() if place not in {*back, *back.values()}])

    def classes(self, task: str) -> list[str]:
        """Classes that are there though no row may have them yet: those that another was split into."""
        labels = [label for one in self.of(task) if one.kind == SPLIT for label in one.after]
        return list(dict.fromkeys(name for label in labels if (name := self._later(task, label)) is not None))

    def record(self) -> dict[str, Any]:
        """As one of a night's inputs."""
        plain = [asdict(one) for one in self.every]
        return {"path": f"data/{FILE}", "sha256": digest_json(plain), "rows": len(plain), "split": "label_changes"}

    def added(self, change: LabelChange, known: Iterable[str]) -> LabelChanges:
        """With one more change.

        Raises:
            RequestError: it changes what is no class, or makes a class that is there.
        """
        classes = set(known)
        for label in change.before:
            if label not in classes:
                raise RequestError(f'"{label}" is no class of task "{change.task}"; {did_you_mean(label, classes)}')
        taken = sorted((classes - set(change.before)) & set(change.after))
        if taken and change.kind != "merge":
            fix = f'tilth labels merge "{change.before[0]}" "{taken[0]}" --into "{taken[0]}" makes one of both'
            raise RequestError(f'"{taken[0]}" is a class of task "{change.task}" already; {fix}')
        if taken:
            raise RequestError(
                f'"{taken[0]}" is another class of task "{change.task}"; merge it too, or take a new name'
            )
        if len(set(change.before)) < len(change.before) or len(set(change.after)) < len(change.after):
            raise RequestError(f"a class is named twice in {[*change.before, *change.after]}; name each once")
        if change.before == change.after:
            raise RequestError(f'"{change.before[0]}" is called so already')
        return LabelChanges(every=(*self.every, change))

    def undone(self, kind: str, task: str, before: Sequence[str], after: Sequence[str]) -> LabelChanges:
        """With the newest such change taken back.

        Raises:
            RequestError: there is none, or a later one rests on it.
        """
        active = self.active
        same = [
            one
            for one in active
            if (one.kind, one.task, set(one.before), set(one.after)) == (kind, task, set(before), set(after))
        ]
        if not same:
            held = "; ".join(f"{one.kind} {', '.join(one.before)} into {', '.join(one.after)}" for one in active)
            raise RequestError(f"no such change is in force, so that none can be undone; there are: {held or 'none'}")
        change = same[-1]
        later = active[active.index(change) + 1 :]
        resting = [one for one in later if one.task == task and set(one.before) & set(change.after)]
        if resting:
            raise RequestError(
                f"{resting[0].kind} {', '.join(resting[0].before)} came after it and rests on it; undo that first"
            )
        kinds = {"rename": "rename", "merge": SPLIT, SPLIT: "merge"}
        place = max(place for place, one in enumerate(self.every) if one is change)
        back = LabelChange(
            kind=kinds[kind], task=task, before=change.after, after=change.before, at=now("milliseconds"), undoes=place
        )
        return LabelChanges(every=(*self.every, back))

    def _later(self, task: str, label: str) -> str | None:
        """What a class that a split made is called today."""
        made = next(place for place, one in enumerate(self.of(task)) if one.kind == SPLIT and label in one.after)
        return _through(label, self.of(task)[made + 1 :])


def _through(label: str, changes: Iterable[LabelChange]) -> str | None:
    for change in changes:
        if label in change.before:
            if change.kind == SPLIT:
                return None
            label = change.after[0]
    return label
