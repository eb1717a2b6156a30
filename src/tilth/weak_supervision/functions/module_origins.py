"""Where a module comes from: Python itself, an installed library, or people's own code, which is looked into."""

from __future__ import annotations

import dis
import functools
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib import util
from pathlib import Path
from types import CodeType
from typing import Any

from tilth.store import digest
from tilth.weak_supervision.functions import workspace_package


def library(name: str) -> str | None:
    """A text that changes with the source of the library that a module belongs to; None where it is of no library.

    A library is what stands in one of Python's folders for packages, and tilth itself.
    """
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"standard {name}"
    source = _source(top)
    return None if source is None else f"{name} {source}"


@functools.cache
def _source(top: str) -> str | None:
    """Digest of a library's source, read once a process; None for what is no library."""
    places = _places(top)
    if top != "tilth" and not any(_among_packages(place) for place in places):
        return None
    return digest(*(part for place in places for part in _sources(place)))


def _places(top: str) -> list[Path]:
    """The folders of a package, or the file of a module."""
    module = sys.modules.get(top)
    try:
        spec = getattr(module, "__spec__", None) or util.find_spec(top)
    except (ValueError, ImportError):
        return []
    if spec is None:
        return []
    locations = list(spec.submodule_search_locations or [])
    return [Path(place) for place in locations or [spec.origin or "built-in"]]


def _among_packages(place: Path) -> bool:
    return any(home in place.resolve().parents for home in _homes())


@functools.cache
def _homes() -> frozenset[Path]:
    """Python's folders for packages."""
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    return frozenset(Path(place).resolve() for place in [*named, site.getusersitepackages()])


def _sources(place: Path) -> Iterator[str | bytes]:
    """Names and contents of Python files."""
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    for file in (file for file in files if file.is_file()):
        yield file.name
        yield file.read_bytes()


def imports(code: CodeType, scope: Mapping[str, Any]) -> Iterator[str]:
    """The full names of the modules that code imports when it runs, given the globals of its module.

    Of `from a import b` that is `a`, and `a.b` where that is a module too.
    """
    lines = [line for line in dis.get_instructions(code) if line.opname != "EXTENDED_ARG"]
    for place, line in enumerate(lines):
        if line.opname == "IMPORT_NAME":
            level, wanted = lines[place - 2].argval, lines[place - 1].argval
            name = _resolved(str(line.argval), level, scope)
            yield name
            if library(name) is None:
                yield from (f"{name}.{item}" for item in wanted or () if file_of(f"{name}.{item}") is not None)


def _resolved(name: str, level: int, scope: Mapping[str, Any]) -> str:
    if level:
        return util.resolve_name("." * level + name, str(scope.get("__package__") or ""))
    package = workspace_package.of(scope)
    return f"{package.__name__}.{name}" if package is not None and package.holds(name) else name


def file_of(name: str) -> Path | None:
    """The source file of a module, which need not be imported; None where there is none."""
    module = sys.modules.get(name)
    if module is None:
        try:
            spec = util.find_spec(name)
        except (ValueError, ImportError, AttributeError):
            return None
        place = spec.origin if spec is not None else None
    else:
        place = getattr(module, "__file__", None)
    return Path(place) if place is not None and place.endswith(".py") and Path(place).is_file() else None


def global_names(code: CodeType) -> list[str]:
    """The global names that a code object looks up, its inner functions included."""
    names = {line.argval for line in dis.get_instructions(code) if line.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in _inner(code):
        names |= set(global_names(inner))
    return sorted(names)


def all_names(code: CodeType) -> set[str]:
    """All names of a code object, its inner functions' included: what it may look up in a module."""
    return set(code.co_names).union(*(all_names(inner) for inner in _inner(code)))


def _inner(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]
