"""`tilth labels`: classes that get another name, become one, or become several; nothing is rewritten but one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cyclopts import App, Parameter

from tilth.cli import options
from tilth.cli.terminal import say
from tilth.cli.workspace import open_workspace
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.cli.workspace import WorkspaceData
    from tilth.store import LabelChange

labels = App(
    name="labels",
    help="""Classes that change: rename, merge, split.

Your files stay as they are. The next night reads given labels, gold, answers and functions by the new names.

For example:

    tilth labels rename moving_home home_move
    tilth labels merge late_refund missing_refund --into refund
    tilth labels split outage --into no_internet,no_phone
""",
    default_parameter=options.DEFAULT,
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class How:
    """The options of every change."""

    task: options.TaskName = None
    undo: bool = False
    """take this very change back; answers given since a merge are asked again"""
    dry_run: bool = False
    """say what would change, and change nothing"""
    config: options.Config = None


@labels.command
def rename(
    before: str,
    after: str,
    /,
    *,
    how: How = How(),
) -> int:
    """Give a class another name.

    For example:

        tilth labels rename moving_home home_move --dry-run
        tilth labels rename moving_home home_move --undo

    Args:
        before: the class
        after: its new name
    """
    return _change("rename", [before], [after], how)


@labels.command
def merge(
    *before: str,
    into: str,
    how: How = How(),
) -> int:
    """Make one class of several.

    For example:

        tilth labels merge late_refund missing_refund --into refund

    Args:
        before: the classes, two or more
        into: the class that they become; it may be one of them
    """
    if len(before) < 2:
        raise RequestError(
            f"labels merge takes two classes or more, found {len(before)}; to give one another name: rename"
        )
    return _change("merge", before, [into], how)


@labels.command
def split(
    before: str,
    /,
    *,
    into: str,
    how: How = How(),
) -> int:
    """Make several classes of one; its rows lose their label, and come to people in the next queue.

    For example:

        tilth labels split outage --into no_internet,no_phone

    Args:
        before: the class
        into: the classes that it becomes, with commas between; in quotes where one holds a comma
    """
    from tilth.config import parse_names

    after = parse_names(into)
    if len(after) < 2:
        raise RequestError(
            f'labels split --into "{into}" names {len(after)} classes; name two or more: --into first,second'
        )
    return _change("split", [before], after, how)


def _change(
    kind: str,
    before: Sequence[str],
    after: Sequence[str],
    how: How,
) -> int:
    from tilth.store import LabelChange, LabelChanges, label_changes_now
    from tilth.text import clean_label

    data = open_workspace(how.config)
    one = data.task(how.task)
    old, new = (tuple(clean_label(label) for label in part) for part in (before, after))
    if not all((*old, *new)):
        raise RequestError("an empty label; a class has a name")
    changes = LabelChanges.read(data.workspace.data)
    if how.undo:
        changed = changes.undone(kind, one.name, old, new)
    else:
        change = LabelChange(kind=kind, task=one.name, before=old, after=new, at=label_changes_now())
        changed = changes.added(change, one.labels)
    for line in _effect(data, one.name, changed.every[-1]):
        say(line)
    if how.dry_run:
        say("nothing was changed")
        return 0
    with data.workspace.lock(put_right=False):  # a night that is at work has read the labels by their old names
        changed.write(data.workspace.data)
    back = "" if how.undo else "; take it back with the same command and --undo"
    say(f"kept in {data.workspace.data / 'label-changes.json'}; the next tilth run reads by it{back}")
    return 0


def _effect(data: WorkspaceData, task: str, change: LabelChange) -> list[str]:
    """What the next night will read otherwise, a line each."""
    from tilth.store.answers import Answers

    frame = data.frame
    touched = frame[f"{task}_given"].isin(change.before)
    gold = frame["split"].eq("gold")
    answers = 0
    if data.workspace.answers is not None and data.workspace.answers.exists():
        with Answers.open(data.workspace.answers) as file:
            current = file.current()
            answers = int((current["task"].eq(task) & current["label"].isin(change.before)).sum())
    verb = "are asked again" if change.kind == "split" else f'become "{change.after[0]}"'
    names = " and ".join(f'"{label}"' for label in change.before)
    undo = "undone: " if change.undoes is not None else ""
    lines = [f"{undo}{task}: {names} into {', '.join(change.after)}"]
    counts = (
        (int((touched & ~gold).sum()), "given labels"),
        (int((touched & gold).sum()), "gold labels"),
        (answers, "answers"),
    )
    lines += [f"{count:,} {what} {verb}" for count, what in counts if count]
    if change.kind == "split" and change.undoes is None and (touched & gold).any():
        lines.append(
            "gold rows of that class are not measured on until people answer them: tilth queue lists train rows alone"
        )
    functions = [one.name for one in data.loaded.functions if one.task == task]
    if functions:
        lines.append(f"{len(functions)} labeling functions of {task} may go on returning the old names")
    return lines
