"""Load labeling functions from a workspace's folder and from packages; what cannot be used is left out and named."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.errors import did_you_mean
from tilth.samples import Task
from tilth.store import digest
from tilth.weak_supervision.functions import safe_import
from tilth.weak_supervision.isolation import why_not_isolated

log = logging.getLogger(__name__)

IMPORT_SECONDS = 120.0
"""A file that takes longer to import is left out; a large language model may well take one minute."""


@dataclass(frozen=True, kw_only=True)
class LoadedFunction:
    """One of Snorkel's labeling functions, with the task it votes on.

    Attributes:
        task: the task's name.
        name: the function's name, unique within its task.
        function: called with a row; gives a label, or None or -1 to abstain.
        fingerprint: digest of the source of its file.
        key: digest of all that its votes depend on beside the row; None where that cannot be determined.
        where: the file or package that it comes from.
    """

    task: str
    name: str
    function: Any
    fingerprint: str
    key: str | None = None
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A file or function that was left out, and why."""

    where: str
    why: str


@dataclass(frozen=True, kw_only=True)
class LoadedFunctions:
    """All that a folder and the installed packages hold.

    Attributes:
        functions: those that can be used, by file and then by place in it, packages last.
        problems: what was left out.
        fingerprint: digest of all that the votes depend on beside the rows; "" where there is no function.
        remarks: what is odd about a file or function that is used all the same.
    """

    functions: tuple[LoadedFunction, ...] = ()
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""
    remarks: tuple[Problem, ...] = ()

    def notes(self) -> dict[str, dict[str, str]]:
        """What is left out, and what is odd, each by where it stands, as in the stage's metrics."""
        notes: dict[str, dict[str, str]] = {"left_out": {}, "remarks": {}}
        for kind, items in (("left_out", self.problems), ("remarks", self.remarks)):
            for item in items:
                before = notes[kind].get(item.where)
                notes[kind][item.where] = f"{before}; {item.why}" if before else item.why
        return notes


def load_functions(folder: Path, tasks: Sequence[Task]) -> LoadedFunctions:
    """Collect the labeling functions of every `*.py` file of a folder, and of packages that announce some.

    A file names its task by `TASK = "…"` at its top; with a single task it may go without. `FILES = ("words.txt",)`
    names the files, relative to it, that its functions read. Files whose name starts with `_` are skipped. A package
    announces a module, or one function, under the entry point group `tilth.labeling_functions`. The functions'
    examples are run by the stage, which has an encoder.
    """
    sources = safe_import.from_folder(folder, IMPORT_SECONDS)
    sources += [safe_import.from_entry_point(point, IMPORT_SECONDS) for point in safe_import.entry_points()]
    functions: dict[tuple[str, str], LoadedFunction] = {}
    problems: list[Problem] = []
    for source in sources:
        for item in _collect(source, [task.name for task in tasks]):
            if isinstance(item, Problem):
                problems.append(item)
            elif (first := functions.get((item.task, item.name))) is None:
                functions[item.task, item.name] = item
            elif first.function is not item.function:  # it may be imported from the file that defines it
                why = f"another function has this name, in {first.where}; rename one"
                problems.append(Problem(where=f"{source.where}:{item.name}", why=why))
    usable = tuple(functions.values())
    return LoadedFunctions(
        functions=usable,
        problems=tuple(problems),
        fingerprint=_fingerprint(sources, usable),
        remarks=(
            *(remark for source in sources for remark in _remarks(source)),
            *_unread(folder),
            *_unguarded(sources),
        ),
    )


def _remarks(source: safe_import.Source) -> list[Problem]:
    printed = " ".join(source.printed.split())[:80]
    whys = [source.remark, f"prints when it is imported: {printed}" if printed else ""]
    return [Problem(where=source.where, why=why) for why in whys if why]


def _unread(folder: Path) -> list[Problem]:
    """Functions in folders of the folder, whose files are only there for others to import."""
    below = [path for path in sorted(folder.glob("*/**/*.py")) if b"@labeling_function" in path.read_bytes()]
    if not below:
        return []
    first = below[0].relative_to(folder)
    why = f"{len(below)} files in folders below hold labeling functions that are not read; move them up, first {first}"
    return [Problem(where=folder.name, why=why)]


def _unguarded(sources: Sequence[safe_import.Source]) -> list[Problem]:
    """That nothing ends a file or function that hangs or grows, where this process may have no guarded children."""
    why = why_not_isolated() if sources else ""
    message = f"imported and run in this process, without limits of time and memory, for {why}"
    return [Problem(where="isolation", why=message)] if why else []


def _fingerprint(sources: Sequence[safe_import.Source], functions: Sequence[LoadedFunction]) -> str:
    """What a cached result of the stage depends on; where a function's votes may differ by the hour, on the hour."""
    if not sources:
        return ""
    not_cacheable = [function.name for function in functions if function.key is None]
    if not_cacheable:
        log.info("labeling functions without a fingerprint, run anew each night: %s", ", ".join(not_cacheable))
    now = os.urandom(16).hex() if not_cacheable else ""
    # A function's own key covers more than its file: what it closes over, and files that it read on import.
    keys = [f"{function.name} {function.key}" for function in functions]
    return digest("\x1f".join([*(f"{source.where} {source.digest}" for source in sources), *keys, now]))


def _collect(source: safe_import.Source, tasks: Sequence[str]) -> list[LoadedFunction | Problem]:
    if source.error:
        return [Problem(where=source.where, why=source.error)]
    task = getattr(source.module, "TASK", tasks[0] if len(tasks) == 1 else None)
    if task is None:
        why = f'names no task; put TASK = "{tasks[-1] if tasks else "…"}" at its top'
        return [Problem(where=source.where, why=why)]
    if task not in tasks:
        why = f"TASK = {task!r} is no task of this night; {did_you_mean(str(task), tasks)}"
        return [Problem(where=source.where, why=why.replace("'", '"'))]
    members = safe_import.labeling_functions(source)
    if not members:
        return [Problem(where=source.where, why="holds no function made by snorkel's @labeling_function()")]
    return [
        LoadedFunction(
            task=task,
            name=item.name,
            function=item,
            fingerprint=source.digest,
            key=safe_import.vote_key(item, source, task),
            where=source.where,
        )
        for item in members
    ]
