"""Import a file of labeling functions, or a package's, without harm if it hangs, exits or prints."""

from __future__ import annotations

import ast
import importlib.metadata
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tilth.store import digest
from tilth.weak_supervision.functions import workspace_package
from tilth.weak_supervision.functions.fingerprint import UnknownError, declared_files, fingerprint
from tilth.weak_supervision.isolation import Limits, Outcome, end_children_at_exit, run_captured, run_guarded

log = logging.getLogger(__name__)
GROUP = "tilth.labeling_functions"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or an entry point, as it came out of importing it.

    Attributes:
        where: its name for people.
        digest: of its source, and of the files that it declares.
        module: what was imported, or None.
        package: the installed package that ships it, "" for a file of a workspace.
        chosen: the one function that an entry point names, or None for all of the module's.
        error: why it cannot be used, or "".
        remark: what is odd about it, though it is used, or "".
        printed: what it wrote to standard output.
    """

    where: str
    digest: str = ""
    module: ModuleType | None = None
    package: str = ""
    chosen: Any = None
    error: str = ""
    remark: str = ""
    printed: str = ""


def from_folder(path: Path, seconds: float) -> list[Source]:
    """Import the files of a folder, in the order of their names; those that begin with _ are there for the others."""
    # An editor's lock is a hidden link to nowhere.
    paths = sorted(file for file in path.glob("*.py") if file.is_file() and not file.name.startswith(("_", ".")))
    if not paths:
        return []
    import snorkel.labeling  # noqa: F401 - once, here, and not in every child

    package = workspace_package.fresh(path)
    return [_from_file(package, file, seconds) for file in paths]


def _from_file(package: workspace_package.Package, path: Path, seconds: float) -> Source:
    """Import a file by its path; a guarded process tries it first, so that one that hangs or exits harms nothing."""
    where, source_digest = path.name, digest(path.read_bytes())
    outcome = _tried(lambda: package.load(path), seconds)
    if outcome.error:
        return Source(where=where, digest=source_digest, error=f"does not import: {outcome.error}")
    source = Source(
        where=where, digest=source_digest, module=outcome.value, printed=outcome.printed, remark=_twice(path)
    )
    hidden = package.hidden.get(package.name_of(path))
    if hidden is not None and hidden not in sys.stdlib_module_names:
        why = f"its import of {hidden} finds an installed module; from . import {hidden} finds {hidden}.py beside it"
        source = replace(source, remark=why)
    return _with_files(source, outcome.value)


def _twice(path: Path) -> str:
    """Which labeling function of a file is gone because a later one took its name, or ""."""
    lines: dict[str, int] = {}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and any(
            "labeling_function" in ast.unparse(d) for d in node.decorator_list
        ):
            if node.name in lines:
                return f"defines {node.name} twice, on lines {lines[node.name]} and {node.lineno}: only the last counts"
            lines[node.name] = node.lineno
    return ""


def _tried(load: Callable[[], Any], seconds: float) -> Outcome:
    """What importing gives; a child process tries it first."""
    trial = run_guarded([lambda: _nothing(load())], Limits(seconds=seconds, megabytes=16_384))[0]
    if trial.error:
        return trial
    with end_children_at_exit():  # a function may need what its file has started
        outcome = run_captured(load)
    return replace(outcome, printed=outcome.printed or trial.printed)  # without children the first try has imported it


def _nothing(_module: Any) -> None:
    """In place of a module, which goes through no pipe."""


def _with_files(source: Source, module: ModuleType) -> Source:
    """The source with the contents of the files that its module declares."""
    try:
        contents = declared_files(vars(module))
    except (OSError, TypeError) as error:
        return Source(where=source.where, digest=source.digest, error=f"FILES names what cannot be read: {error}")
    return replace(source, digest=digest(source.digest, *contents)) if contents else source


def entry_points() -> Sequence[importlib.metadata.EntryPoint]:
    """What installed packages announce, in the order of their names."""
    return sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def from_entry_point(point: importlib.metadata.EntryPoint, seconds: float) -> Source:
    """Import what a package announces: a module with functions, or one function."""
    where = f"{point.dist.name if point.dist else 'a package'}:{point.name}"
    outcome = _tried(point.load, seconds)
    if outcome.error:
        return Source(where=where, error=f"does not import: {outcome.error}")
    module = outcome.value if isinstance(outcome.value, ModuleType) else sys.modules.get(point.module)
    if module is None:
        return Source(where=where, error=f"{point.value} is in no module")
    file = getattr(module, "__file__", None)
    source_code = Path(file).read_bytes() if file and Path(file).is_file() else b""
    source = Source(
        where=where,
        digest=digest(source_code, point.dist.version if point.dist else ""),
        module=module,
        package=module.__name__.partition(".")[0],
        chosen=None if isinstance(outcome.value, ModuleType) else outcome.value,
        printed=outcome.printed,
    )
    return _with_files(source, module)


def labeling_functions(source: Source) -> list[Any]:
    """The labeling functions that a source holds, by name or in a list, in order and each once."""
    from snorkel.labeling import LabelingFunction

    by_identity: dict[int, Any] = {}
    for value in [source.chosen] if source.chosen is not None else list(vars(source.module or object).values()):
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        by_identity |= {id(item): item for item in items if isinstance(item, LabelingFunction)}
    return list(by_identity.values())


def vote_key(function: Any, source: Source, task: str) -> str | None:
    """Digest of all that a function's votes depend on beside the row, or None where that cannot be determined."""
    try:
        return fingerprint(function, task, package=source.package)
    except (UnknownError, RecursionError) as error:
        log.info("labeling function %s has no fingerprint: %s", function.name, error)
        return None
