"""A folder of labeling functions as a package of its own, whose files find each other and nobody else finds.

Python finds `import _helpers` on `sys.path`, which all workspaces of a process share. Here each folder has a package
name of its own, and a file's `__import__` looks for its neighbors there; what is installed under the same name goes
first, so that a file `json.py` takes nothing from those that want Python's. `from . import _helpers` is Python's own.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib import util
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tilth.store import digest

_PREFIX = "tilth_labeling_functions_"


class Package(ModuleType):
    """What stands in `sys.modules` for a folder.

    Attributes:
        hidden: neighbors that were imported by a name that an installed module has too, by the importing module's name.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{_PREFIX}{digest(str(folder.resolve()))}")
        self.__path__ = [str(folder)]
        self.__spec__ = ModuleSpec(self.__name__, None, is_package=True)
        self.__package__ = self.__name__
        self.hidden: dict[str, str] = {}
        inside = [path for path in folder.glob("*") if path.suffix == ".py" or path.is_dir()]
        self._beside = {path.stem: folder for path in inside if path.stem.isidentifier()}

    def name_of(self, path: Path) -> str:
        """The module name of a file of the folder."""
        return f"{self.__name__}.{path.stem if path.stem.isidentifier() else f'file_{digest(path.name)}'}"

    def holds(self, name: str) -> bool:
        """Whether a plain import of a name means a neighbor."""
        top = name.partition(".")[0]
        return top in self._beside and not _installed(top, self._beside[top])

    def load(self, path: Path) -> ModuleType:
        """Import a file of the folder."""
        name = self.name_of(path)
        if path.stem.isidentifier():
            return importlib.import_module(name)
        spec = util.spec_from_file_location(name, path, loader=_Loader(name, str(path)))
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python file")
        module = sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def import_(
        self,
        name: str,
        scope: Mapping[str, Any] | None = None,
        own: Mapping[str, Any] | None = None,
        wanted: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """In place of `__import__` in the folder's files."""
        if not level and self.holds(name):
            module = builtins.__import__(f"{self.__name__}.{name}", scope, own, wanted or ("__name__",), 0)
            return module if wanted else sys.modules[f"{self.__name__}.{name.partition('.')[0]}"]
        if not level and name.partition(".")[0] in self._beside:
            self.hidden[str((scope or {}).get("__name__"))] = name.partition(".")[0]
        return builtins.__import__(name, scope, own, wanted or (), level)


def fresh(folder: Path) -> Package:
    """The package of a folder, of which nothing is imported yet."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    importlib.invalidate_caches()
    package = Package(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == package.__name__]:
        del sys.modules[name]
    sys.modules[package.__name__] = package
    return package


def of(scope: Mapping[str, Any]) -> Package | None:
    """The package whose file has these globals, or None where it is no file of such a folder."""
    package = sys.modules.get(str(scope.get("__name__")).partition(".")[0])
    return package if isinstance(package, Package) else None


@functools.cache
def _installed(top: str, folder: Path) -> bool:
    """Whether Python has a module of that name that is no file of the folder, which may be on `sys.path` itself."""
    if top in sys.stdlib_module_names:
        return True
    try:
        spec = util.find_spec(top)
    except ValueError:  # a module without a spec
        return True
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or [])]
    return any(place is not None and folder.resolve() not in Path(place).resolve().parents for place in places)


class _Loader(SourceFileLoader):
    """Reads the source itself: compiled code beside it is taken for new where an edit keeps second and length."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it stands."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the file, with an import that finds its neighbors."""
        package = sys.modules[module.__name__.partition(".")[0]]
        if isinstance(package, Package):
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": package.import_}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds what stands in such folders, by their packages' names alone."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual spec with this module's loader."""
        if not fullname.startswith(_PREFIX):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        # Not the plain class alone: a library such as beartype.claw, which Prefect brings, has path hooks of its own.
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec
