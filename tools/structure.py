"""How the package hangs together: import edges between its folders, loops among them, and where imports come from.

    python tools/structure.py            # or: make structure

Exits with 1 where folders import each other in a circle, where a file reaches into a room that is not its own, or takes
a name from a module that only imports it, where a room hands on a name that one of its modules has too, or where a
folder of src/tilth or flows holds more than `MOST` modules.
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
    """The names that a face imports for type checkers from modules of its room, and hands on lazily."""
    text = face.read_text(encoding="utf-8")
    return _imported(ast.parse(text), f".{face.parent.name}.") if "lazy_exports(" in text else set()


def _imported(tree: ast.Module, below: str) -> set[str]:
    """The names that a file imports at its top, or for type checkers, from modules with this in their dotted name."""
    nodes = [*tree.body, *(inner for node in tree.body if isinstance(node, ast.If) for inner in node.body)]
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom) and below in f".{node.module}")
    return {alias.asname or alias.name for node in imports for alias in node.names}


def borrowed(root: Path) -> list[tuple[Path, str, str]]:
    """Names that a file takes from a module of a package which neither defines nor, as a face, hands them on."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}
    names = {_dotted(path, root): _defined(tree) for path, tree in trees.items()}
    for path in (path for path in trees if path.name == "__init__.py"):
        names[_dotted(path, root)] |= _imported(trees[path], f"{_dotted(path, root)}.")
    return [
        (path, str(node.module), alias.name)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in names
        for alias in node.names
        if alias.name not in names[node.module] and f"{node.module}.{alias.name}" not in names
    ]


def _dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")


def _defined(tree: ast.Module) -> set[str]:
    """What a module defines: functions, classes and the names that it assigns or declares."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = list(ast.walk(tree))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.name for node in nodes if isinstance(node, definitions)}


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
    full, unclear, taken = crowded(CODE), ambiguous(CODE), borrowed(CODE[0])
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
    for path, module, name in taken:
        sys.stdout.write(f"borrowed: {path.relative_to(ROOT)} takes {name} from {module}, which only imports it\n")
    return 1 if circle or reached or full or unclear or taken else 0


if __name__ == "__main__":
    raise SystemExit(main())
