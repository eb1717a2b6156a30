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
from tilth.notes import many

if TYPE_CHECKING:
    from tilth.cli.workspace import WorkspaceData
    from tilth.store import LabelChanges

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
            f'labels split --into "{into}" names {len(after) or "no"} class; name two or more: --into first,second'
        )
    return _change("split", [before], after, how)


def _change(
    kind: str,
    before: Sequence[str],
    after: Sequence[str],
    how: How,
) -> int:
    from tilth.store import LabelChange, LabelChanges, now
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
        change = LabelChange(kind=kind, task=one.name, before=old, after=new, at=now("milliseconds"))
        changed = changes.added(change, one.labels)
    for line in _effect(data, one.name, changes, changed):
        say(line)
    if how.dry_run:
        say("nothing was changed")
        return 0
    with data.workspace.lock(put_right=False):  # a night that is at work has read the labels by their old names
        changed.write(data.workspace.data)
    back = "" if how.undo else "; take it back with the same command and --undo"
    say(f"kept in {data.workspace.data / 'label-changes.json'}; the next tilth run reads by it{back}")
    return 0


def _effect(data: WorkspaceData, task: str, before: LabelChanges, after: LabelChanges) -> list[str]:
    """What the next night will read otherwise, a line each."""
    frame, change = data.frame, after.every[-1]
    touched = frame[f"{task}_given"].isin(change.before)
    gold = frame["split"].eq("gold")
    undo = change.undoes is not None
    of_split = change.undoes is not None and before.every[change.undoes].kind == "split"
    if (
        of_split and [one.kind for one in before.of(task)].count("split") == 1
    ):  # of several, whose a row is is not known
        touched |= frame["ask_again"].eq("label_split")
    names, new = (" and ".join(f'"{label}"' for label in part) for part in (change.before, change.after))
    asked_again, renamed = _answers_changed(data, task, before, after)
    again = ("is asked again", "are asked again")
    become = (f"becomes {new}", f"become {new}")
    of_files = ("is read as your files have it", "are read as your files have them")
    of_before = ("is read as it was given", "are read as they were given")
    given = become if of_split else of_files if undo else again if change.kind == "split" else become
    counts = (
        (int((touched & ~gold).sum()), "given label", given),
        (int((touched & gold).sum()), "gold label", given),
        (renamed, "answer", of_before if undo else become),
        (asked_again, "answer", again),
    )
    lines = [f"{'undone: ' if undo else ''}{task}: {names} into {new}"]
    lines += [f"{many(count, what)} {verb[count != 1]}" for count, what, verb in counts if count]
    if change.kind == "split" and change.undoes is None and (touched & gold).any():
        lines.append(
            "gold rows of that class are not measured on until people answer them: tilth queue lists train rows alone"
        )
    if of_split and frame.loc[gold, f"{task}_given"].isna().any():
        lines.append("gold rows of that class are measured on again")
    functions = [one.name for one in data.loaded.functions if one.task == task]
    if functions:
        lines.append(f"{many(len(functions), 'labeling function')} of {task} may go on returning the old names")
    return lines


def _answers_changed(data: WorkspaceData, task: str, before: LabelChanges, after: LabelChanges) -> tuple[int, int]:
    """Answers of a task that will be asked again, and those that are read by another name."""
    from tilth.store.answers import Answers

    if data.workspace.answers is None or not data.workspace.answers.exists():
        return 0, 0
    with Answers.open(data.workspace.answers) as file:
        current = file.current()
    mine = current[current["task"].eq(task) & current["label"].notna()]
    pairs = [
        (before.answered(task, label, at), after.answered(task, label, at))
        for label, at in mine[["label", "at"]].itertuples(index=False, name=None)
    ]
    lost = sum(was is not None and now is None for was, now in pairs)
    return lost, sum(now is not None and was != now for was, now in pairs)
