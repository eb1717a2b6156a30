"""Which modules a module runs: its imports followed to where the names are defined, through each face."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import tilth

ROOT = Path(tilth.__file__).parents[1]


def run_by(modules: Iterable[str]) -> set[str]:
    """The modules themselves and all that they import, at any depth; what is imported for types alone is left out.

    A face is followed only for the names that are taken from it, so that a module that takes one name of a room does
    not rest on the whole room.
    """
    found: set[str] = set()
    left = list(modules)
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left += _imports(module)
    return found


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules_in(package: str) -> set[str]:
    """Every module of a package, its own folders included."""
    return {module_of(path) for path in ROOT.joinpath(*package.split(".")).rglob("*.py")}


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


@cache
def _imports(module: str) -> frozenset[str]:
    path = _file(module)
    assert path is not None, module
    found = set()
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if _file(name.name)}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tilth":
            found |= {_home(str(node.module), name.name) for name in node.names}
    return frozenset(found - {"tilth"})


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """The tree's nodes, without those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


@cache
def _home(module: str, name: str) -> str:
    """The module that defines what another takes from a module or from the face of a room."""
    if _file(f"{module}.{name}"):
        return f"{module}.{name}"
    path = _file(module)
    if path is None or path.name != "__init__.py":
        return module
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and name in {one.asname or one.name for one in node.names}:
            return _home(str(node.module), name)
    return module
