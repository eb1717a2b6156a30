"""How the package hangs together: import edges between its folders, loops among them, imports past a room's face.

    python tools/structure.py            # or: make structure

Exits with 1 where folders import each other in a circle, where a file reaches into a room that is not its own, where a
room hands on a name that one of its modules has too, or where a folder of src/tilth or flows holds more than `MOST`
modules.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

PACKAGE = "tilth"
ROOT = Path(__file__).resolve().parents[1]
CODE = (ROOT / "src" / PACKAGE, ROOT / "flows")
MOST = 12
"""Modules that one folder holds at most, beside its `__init__`; where one more is due, some of them are a room."""


def folder(graph: grimp.ImportGraph, module: str) -> str:
    """The package that a module stands in; a module at the top of the whole package stands for itself."""
    if graph.find_children(module):
        return module
    parent = module.rpartition(".")[0]
    return module if parent == PACKAGE else parent


def edges(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    """Pairs of folders of which the first imports the second."""
    found = set()
    for module in graph.modules - {PACKAGE}:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = folder(graph, module), folder(graph, imported)
            if pair[0] != pair[1] and PACKAGE not in pair:
                found.add(pair)
    return found


def loop(pairs: set[tuple[str, str]]) -> list[str]:
    """One circle of folders, or none."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for importer, imported in pairs:
        sorter.add(importer, imported)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def past_a_face(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Imports of a module inside a room from outside of it; a room is a folder that holds modules."""
    found = []
    for module in sorted(graph.modules - {PACKAGE}):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            own, parts = module.split("."), imported.split(".")
            shared = 0
            while shared < min(len(own), len(parts)) and own[shared] == parts[shared]:
                shared += 1
            room = ".".join(parts[: shared + 1])
            inside = [".".join(parts[:end]) for end in range(shared + 1, len(parts) + 1)]
            nested = next((part for part in inside if part in NESTED), None)
            if imported not in (room, nested) and graph.find_children(room) and module != PACKAGE:
                found.append((module, imported))
    return found


def crowded(roots: Iterable[Path]) -> list[tuple[Path, int]]:
    """Folders with more than `MOST` modules beside their `__init__`, and how many they hold."""
    folders = sorted({path.parent for root in roots for path in root.rglob("*.py")})
    counts = ((one, sum(path.name != "__init__.py" for path in one.glob("*.py"))) for one in folders)
    return [(one, count) for one, count in counts if count > MOST]


def ambiguous(roots: Iterable[Path]) -> list[tuple[Path, str]]:
    """Faces that load lazily, and the names that they hand on though a module or room of theirs is called so, too.

    Which of the two `from room import name` gives depends on whether the module has been imported before.
    """
    found = []
    for face in sorted(path for root in roots for path in root.rglob("__init__.py")):
        inside = (one for one in face.parent.iterdir() if one.suffix == ".py" or (one / "__init__.py").exists())
        found += [(face, name) for name in sorted(_lazy_names(face) & {one.stem for one in inside})]
    return found


def _lazy_names(face: Path) -> set[str]:
    """The names in the `__all__` of a face that loads lazily."""
    text = face.read_text(encoding="utf-8")
    for node in ast.parse(text).body if "lazy_exports(" in text else ():
        if isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "__all__" for one in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


NESTED = {
    "tilth.io.answers",
    "tilth.io.text_files",
    "tilth.learn.encoder",
    "tilth.learn.lexical",
    "tilth.learn.pictures",
    "tilth.reports.audit",
    "tilth.store.answers",
}
"""Rooms inside a floor's room that have a face of their own."""


def main() -> int:
    """Print the figures; 1 where the house is not in order."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    pairs, reached = edges(graph), past_a_face(graph)
    circle = loop(pairs)
    folders = {name for pair in pairs for name in pair}
    full, unclear = crowded(CODE), ambiguous(CODE)
    sys.stdout.write(f"{len(folders)} folders, {len(pairs)} import edges between them\n")
    sys.stdout.write(f"loops: {' → '.join(circle) if circle else 0}\n")
    for module, imported in reached:
        sys.stdout.write(f"past a face: {module} imports {imported}\n")
    for place, count in full:
        sys.stdout.write(
            f"too full: {place.relative_to(ROOT)} holds {count} modules, and {MOST} is the most; make a room\n"
        )
    for face, name in unclear:
        sys.stdout.write(f"two of one name: {face.relative_to(ROOT)} hands on {name}, which is a module there, too\n")
    return 1 if circle or reached or full or unclear else 0


if __name__ == "__main__":
    raise SystemExit(main())
