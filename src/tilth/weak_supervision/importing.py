"""Import a file of labeling functions, or a package's, without harm if it hangs, exits or prints."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tilth.store import digest
from tilth.weak_supervision import child, guard
from tilth.weak_supervision.fingerprint import UnknownError, fingerprint

log = logging.getLogger(__name__)
GROUP = "tilth.labeling_functions"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or an entry point, as it came out of importing it.

    Attributes:
        where: its name for people.
        digest: of its source, and of the files that it declares.
        module: what was imported, or None.
        chosen: the one function that an entry point names, or None for all of the module's.
        declared: contents of the files that it says it reads; None where it says nothing.
        error: why it cannot be used, or "".
        printed: what it wrote to standard output.
    """

    where: str
    digest: str = ""
    module: ModuleType | None = None
    chosen: Any = None
    declared: tuple[bytes, ...] | None = None
    error: str = ""
    printed: str = ""


def from_file(path: Path, seconds: float) -> Source:
    """Import a file by its path; a child process tries it first, so that one that hangs or exits is found out."""
    import snorkel.labeling  # noqa: F401 - once, here, and not in every child

    where, own = path.name, digest(path.read_bytes())
    limits = guard.Limits(seconds=seconds, megabytes=16_384)
    done = guard.run([lambda: _first(path)], limits)[0]
    if not done.error:
        done = child.perform(lambda: _import(path))
    if done.error:
        return Source(where=where, digest=own, error=f"does not import: {done.error}")
    try:
        declared = _declared(done.value, path.parent)
    except (OSError, TypeError) as error:
        return Source(where=where, digest=own, error=f"FILES names what cannot be read: {error}")
    whole = digest(own + "".join(digest(content.hex()) for content in declared)) if declared else own
    return Source(where=where, digest=whole, module=done.value, declared=declared, printed=done.printed)


def _first(path: Path) -> None:
    _import(path)


def _declared(module: ModuleType, folder: Path) -> tuple[bytes, ...] | None:
    names = getattr(module, "FILES", None)
    if names is None:
        return None
    return tuple((folder / name).read_bytes() for name in ([names] if isinstance(names, str) else names))


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


def entry_points() -> Sequence[importlib.metadata.EntryPoint]:
    """What installed packages announce, in the order of their names."""
    return sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def from_entry_point(point: importlib.metadata.EntryPoint) -> Source:
    """Import what a package announces: a module with functions, or one function."""
    where = f"{point.dist.name if point.dist else 'a package'}:{point.name}"
    done = child.perform(point.load)
    if done.error:
        return Source(where=where, error=f"does not import: {done.error}")
    module = done.value if isinstance(done.value, ModuleType) else sys.modules.get(point.module)
    if module is None:
        return Source(where=where, error=f"{point.value} is in no module")
    file = getattr(module, "__file__", None)
    own = digest(Path(file).read_bytes()) if file and Path(file).is_file() else ""
    version = point.dist.version if point.dist else ""
    chosen = None if isinstance(done.value, ModuleType) else done.value
    return Source(where=where, digest=digest(f"{own} {version}"), module=module, chosen=chosen, printed=done.printed)


def functions(source: Source) -> list[Any]:
    """The labeling functions that a source holds, in order."""
    from snorkel.labeling import LabelingFunction

    values = [source.chosen] if source.chosen is not None else list(vars(source.module or object).values())
    return [value for value in values if isinstance(value, LabelingFunction)]


def key(function: Any, source: Source, task: str) -> str | None:
    """Digest of all that a function's votes depend on beside the row, or None where that cannot be told."""
    try:
        return fingerprint(function, task, declared=source.declared)
    except (UnknownError, RecursionError) as error:
        log.info("labeling function %s has no fingerprint: %s", function.name, error)
        return None
