"""Load a workspace's labeling functions from its folder; what cannot be used is left out and named."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tilth.errors import did_you_mean
from tilth.samples import Task
from tilth.store import digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoadedFunction:
    """One of Snorkel's labeling functions, with the task it votes on.

    Attributes:
        task: the task's name.
        name: the function's name, unique within its task.
        function: called with a row; gives a label, or None or -1 to abstain.
        fingerprint: digest of the source of its file.
    """

    task: str
    name: str
    function: Any
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A file or function that was left out, and why."""

    where: str
    why: str


@dataclass(frozen=True, kw_only=True)
class LoadedFunctions:
    """All that a folder holds.

    Attributes:
        functions: those that can be used, by file and then by place in it.
        problems: what was left out.
        fingerprint: digest of the sources of all files, usable or not; "" where there is none.
    """

    functions: tuple[LoadedFunction, ...] = ()
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""


def load(folder: Path, tasks: Sequence[Task]) -> LoadedFunctions:
    """Import every `*.py` file of a folder and collect its labeling functions.

    A file names its task by `TASK = "…"` at its top; with a single task it may go without. Files whose name
    starts with `_` are skipped. The functions' examples are run by the stage, which has an encoder.
    """
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_")) if folder.is_dir() else []
    functions: dict[tuple[str, str], LoadedFunction] = {}
    problems: list[Problem] = []
    for path in files:
        for item in _load_file(path, [task.name for task in tasks]):
            if isinstance(item, Problem):
                problems.append(item)
            elif (item.task, item.name) in functions:
                problems.append(Problem(where=f"{path.name}:{item.name}", why="another function has this name"))
            else:
                functions[item.task, item.name] = item
    for problem in problems:
        log.warning("labeling functions: %s left out: %s", problem.where, problem.why)
    fingerprint = digest(*(part for path in files for part in (path.name, path.read_bytes()))) if files else ""
    return LoadedFunctions(functions=tuple(functions.values()), problems=tuple(problems), fingerprint=fingerprint)


def _load_file(path: Path, tasks: Sequence[str]) -> list[LoadedFunction | Problem]:
    from snorkel.labeling import LabelingFunction

    try:
        module = _import(path)
    except Exception as error:  # whatever a person's file raises, the night goes on without it
        return [Problem(where=path.name, why=f"does not import: {type(error).__name__}: {error}")]
    task = getattr(module, "TASK", tasks[0] if len(tasks) == 1 else None)
    if task is None:
        return [Problem(where=path.name, why=f'names no task; put TASK = "{tasks[-1] if tasks else "…"}" at its top')]
    if task not in tasks:
        return [Problem(where=path.name, why=f'TASK = "{task}" is no task of this night; {did_you_mean(task, tasks)}')]
    found = [value for value in vars(module).values() if isinstance(value, LabelingFunction)]
    if not found:
        return [Problem(where=path.name, why="holds no function made by snorkel's @labeling_function()")]
    source = digest(path.read_bytes())
    return [LoadedFunction(task=task, name=item.name, function=item, fingerprint=source) for item in found]


def _import(path: Path) -> ModuleType:
    name = f"tilth_workspace_labeling_functions_{digest(str(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and typing look their module up there
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
