"""A digest of all that a labeling function's vote depends on beside the row: code, closure, globals, resources, files.

What cannot be described in full has no fingerprint, and its votes are not cached.

`datasets.fingerprint.Hasher` does not serve: it pickles a function that can be imported by its name, so that an edit of
it or of its helpers changes nothing; it knows no version of a library and no file that a function reads; and it takes
functions that call the clock, a random generator or the network, which have to be refused here.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.store import digest
from tilth.weak_supervision.functions.module_origins import all_names, file_of, global_names, imports, library
from tilth.weak_supervision.functions.value_text import items_of, literal_text, whole_text

_CHANGING = {"random", "secrets", "time", "datetime", "uuid", "socket", "urllib", "http", "subprocess", "threading"}
"""Modules whose answers differ from one call to the next, or come from elsewhere."""
_FILES = {"os", "io", "pathlib", "shutil", "glob", "csv", "sqlite3", "tempfile"}
"""Modules that read files: of no harm to a function whose file declares what it reads."""
_DEPTH = 50


class UnknownError(ValueError):
    """Something that cannot be described in full."""


def fingerprint(function: Any, *parts: str, package: str = "") -> str:
    """Digest of a labeling function.

    Args:
        function: one of Snorkel's labeling functions, with its preprocessors and resources.
        parts: what else its votes depend on.
        package: one that is looked into though it is installed, for it is the one that ships the function.

    Raises:
        UnknownError: naming what has no fingerprint.
    """
    described = _Walk(package).describe(function, 0)
    return digest("\x1f".join([*parts, sys.version.split()[0], described]))


@dataclass(frozen=True)
class _Scope:
    """What the code at hand may look up.

    Attributes:
        globals: of its module.
        names: that it looks up, as globals or attributes.
        files: whether its module, or one that calls it, declares the files that it reads.
    """

    globals: Mapping[str, Any]
    names: frozenset[str]
    files: bool


class _Walk:
    """One walk over a function and what it reaches; what was met before is named by its place."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._scope = _Scope({}, frozenset(), files=False)
        self._place: dict[tuple[Any, ...], int] = {}
        self._alive: list[Any] = []  # an id is that of one object only while it lives

    def describe(self, value: Any, depth: int) -> str:
        """Text that is equal for values that behave alike."""
        if depth > _DEPTH:
            raise UnknownError("values nested too deeply")
        if (literal := literal_text(value)) is not None:
            return literal
        # Of a module only that counts which the code at hand looks up.
        key = (id(value), self._scope.names) if isinstance(value, types.ModuleType) else (id(value),)
        if key in self._place:
            return f"met {self._place[key]}"
        self._place[key] = len(self._place)
        self._alive.append(value)
        return "\x1d".join(self._parts(value, depth + 1))

    def _parts(self, value: Any, depth: int) -> Iterator[str]:
        yield type(value).__name__
        if isinstance(value, set | frozenset):
            yield from sorted(self.describe(item, depth) for item in value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield self.describe(key, depth) + "=" + self.describe(item, depth)
        elif (text := whole_text(value)) is not None:
            yield text
        elif (items := items_of(value)) is not None:
            yield from (self.describe(item, depth) for item in items)
        else:
            yield from self._code_object(value, depth)

    def _code_object(self, value: Any, depth: int) -> Iterator[str]:
        """Functions, their code, modules and classes; whatever else there is has to be an instance of a class."""
        match value:
            case types.FunctionType():
                return self._function(value, depth)
            case types.CodeType():
                return self._code(value, depth)
            case types.ModuleType():
                return self._module(value, depth)
            case types.BuiltinFunctionType():
                return iter([self._builtin(value, depth)])
            case type():
                return self._class(value, depth)
        return self._instance(value, depth)

    def _function(self, value: types.FunctionType, depth: int) -> Iterator[str]:
        if (known := self._library(value.__module__)) is not None:
            yield f"{known}.{value.__qualname__}"
            return
        with self._within(value.__globals__, value.__code__) as files:
            yield from files
            yield from self._code(value.__code__, depth)
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            yield self.describe([value.__defaults__, value.__kwdefaults__, cells], depth)
            for name in global_names(value.__code__):
                if name in value.__globals__:
                    yield f"{name}:" + self.describe(value.__globals__[name], depth)
                else:
                    self._builtin_name(name)

    @contextlib.contextmanager
    def _within(self, scope: Mapping[str, Any], code: types.CodeType) -> Iterator[list[str]]:
        """Look at code; gives digests of the files that its module declares in FILES."""
        try:
            contents = declared_files(scope)
        except (OSError, TypeError) as error:
            raise UnknownError(f"FILES names what cannot be read: {error}") from error
        outer = self._scope
        self._scope = _Scope(scope, frozenset(all_names(code)), files=outer.files or contents is not None)
        try:
            yield [digest(content) for content in contents or ()]
        finally:
            self._scope = outer

    def _code(self, code: types.CodeType, depth: int) -> Iterator[str]:
        yield code.co_code.hex()
        yield repr([code.co_names, code.co_varnames, code.co_freevars, code.co_flags, code.co_argcount])
        yield self.describe(code.co_consts, depth)
        for name in imports(code, self._scope.globals):
            yield from self._named(name, depth)

    def _named(self, name: str, depth: int) -> Iterator[str]:
        """A module by its name: imported, or not yet, for a function may import when it is called."""
        if (known := self._library(name)) is not None:
            yield known
        elif (module := sys.modules.get(name)) is not None:
            yield self.describe(module, depth)
        elif (file := file_of(name)) is not None and ("file", name) not in self._place:
            self._place["file", name] = len(self._place)
            code = compile(file.read_bytes(), str(file), "exec")
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            with self._within({"__name__": name, "__package__": package, "__file__": str(file)}, code):
                for looked_up in global_names(code):
                    self._builtin_name(looked_up)
                yield from self._code(code, depth)

    def _module(self, module: types.ModuleType, depth: int) -> Iterator[str]:
        """Its source, and the values of what the code at hand looks up in it."""
        if (known := self._library(module.__name__)) is not None:
            yield known
            return
        if (file := getattr(module, "__file__", None)) is not None and Path(file).is_file():
            yield digest(Path(file).read_bytes())
        held, wanted = vars(module), self._scope.names
        if not wanted or wanted & {"getattr", "vars", "__dict__"}:
            wanted = frozenset(name for name in held if not name.startswith("__"))
        for name in sorted(wanted & held.keys()):
            yield f"{name}:" + self.describe(held[name], depth)

    def _library(self, name: str | None) -> str | None:
        """What stands for a module of a library; None where it is people's own, and so looked into."""
        top = (name or "").partition(".")[0]
        if top in _CHANGING or (top in _FILES and not self._scope.files):
            raise UnknownError(f"it uses {top}")
        return None if top == self._package else library(name or "")

    def _builtin_name(self, name: str) -> None:
        if name == "open" and not self._scope.files:
            raise UnknownError("it opens files that FILES does not declare")
        if name in ("input", "eval", "exec", "__import__", "globals"):
            raise UnknownError(f"it calls {name}")

    def _builtin(self, value: Any, depth: int) -> str:
        self._builtin_name(value.__name__)
        if value.__self__ is not None and not isinstance(value.__self__, types.ModuleType):
            return f"{value.__name__} of " + self.describe(value.__self__, depth)
        if (known := self._library(value.__module__ or "builtins")) is None:
            raise UnknownError(f"{value.__module__} has no source")
        return f"{known}.{value.__qualname__}"

    def _class(self, value: type, depth: int) -> Iterator[str]:
        if (known := self._library(value.__module__)) is not None:
            yield f"{known}.{value.__qualname__}"
            return
        yield value.__qualname__
        yield from (self.describe(base, depth) for base in value.__bases__)
        for name, item in vars(value).items():
            if name not in ("__dict__", "__weakref__", "__doc__", "__module__"):
                yield f"{name}:" + self.describe(item, depth)

    def _instance(self, value: Any, depth: int) -> Iterator[str]:
        """An object of a class written in Python: its class and its attributes."""
        kind = type(value)
        if isinstance(value, staticmethod | classmethod | property):
            held = [value.fget, value.fset] if isinstance(value, property) else [value.__func__]
            yield self.describe(held, depth)
            return
        ours = kind.__module__.partition(".")[0] == "snorkel" or self._library(kind.__module__) is None
        if not ours or not hasattr(value, "__dict__"):
            raise UnknownError(f"a {kind.__module__}.{kind.__qualname__} has no fingerprint")
        yield self.describe(kind, depth)
        kept = {key: item for key, item in vars(value).items() if key not in ("_cache", "tilth_examples")}
        yield self.describe(kept, depth)
        yield repr(vars(value).get("tilth_examples"))


def declared_files(scope: Mapping[str, Any]) -> tuple[bytes, ...] | None:
    """Contents of the files that a module says it reads, by its globals; None where it says nothing."""
    names = scope.get("FILES")
    if names is None:
        return None
    folder = Path(scope["__file__"]).parent
    return tuple((folder / name).read_bytes() for name in ([names] if isinstance(names, str) else names))
