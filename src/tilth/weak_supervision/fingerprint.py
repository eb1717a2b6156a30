"""A digest of all that a labeling function's vote depends on beside the row: code, closure, globals, resources, files.

What cannot be described in full has no fingerprint, and its votes are not cached.
"""

from __future__ import annotations

import dis
import enum
import functools
import re
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from tilth.store import digest

_FICKLE = {"random", "secrets", "time", "datetime", "uuid", "socket", "urllib", "http", "subprocess", "threading"}
"""Modules whose answers differ from one call to the next, or come from elsewhere."""
_FILES = {"os", "io", "pathlib", "shutil", "glob", "csv", "sqlite3", "tempfile"}
"""Modules that read files: of no harm to a function whose file declares what it reads."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, type(NotImplemented))
_DEPTH = 50


class UnknownError(ValueError):
    """Something that cannot be described in full."""


def fingerprint(function: Any, *parts: str, declared: Sequence[bytes] | None = None) -> str:
    """Digest of a labeling function.

    Args:
        function: one of Snorkel's labeling functions, with its preprocessors and resources.
        parts: what else its votes depend on.
        declared: contents of the files that it says it reads; None where it says nothing.

    Raises:
        UnknownError: naming what has no fingerprint.
    """
    seen = _Seen(files=declared is not None)
    described = seen.describe(function, 0)
    own = "\x1f".join([*parts, sys.version.split()[0], described])
    return digest(own + "".join(f"\x1e{digest(content.hex())}" for content in declared or ()))


class _Seen:
    """One walk over a function and what it reaches; what was met before is named by its place."""

    def __init__(self, *, files: bool) -> None:
        self.files = files
        self._place: dict[int, int] = {}
        self._alive: list[Any] = []  # an id is that of one object only while it lives

    def describe(self, value: Any, depth: int) -> str:
        """Text that is equal for values that behave alike."""
        if depth > _DEPTH:
            raise UnknownError("values nested too deeply")
        if isinstance(value, enum.Enum):
            return f"enum {type(value).__qualname__}.{value.name}={value.value!r}"
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._place:
            return f"met {self._place[id(value)]}"
        self._place[id(value)] = len(self._place)
        self._alive.append(value)
        return "\x1d".join(self._parts(value, depth + 1))

    def _parts(self, value: Any, depth: int) -> Iterator[str]:  # noqa: PLR0912 - one branch a kind of value
        yield type(value).__name__
        if isinstance(value, types.FunctionType):
            yield from self._function(value, depth)
        elif isinstance(value, types.CodeType):
            yield from self._code(value, depth)
        elif isinstance(value, tuple | list):
            yield from (self.describe(item, depth) for item in value)
        elif isinstance(value, set | frozenset):
            yield from sorted(self.describe(item, depth) for item in value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield self.describe(key, depth) + "=" + self.describe(item, depth)
        elif isinstance(value, re.Pattern):
            yield f"{value.pattern!r} {value.flags}"
        elif isinstance(value, PurePath):
            yield str(value)
        elif isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            yield f"{value.dtype} {value.shape} {digest(value.tobytes().hex())}"
        elif isinstance(value, functools.partial):
            yield from (self.describe(item, depth) for item in (value.func, value.args, value.keywords))
        elif isinstance(value, types.MethodType):
            yield from (self.describe(item, depth) for item in (value.__func__, value.__self__))
        elif isinstance(value, types.ModuleType):
            yield self._module(value.__name__)
        elif isinstance(value, types.BuiltinFunctionType):
            yield self._builtin(value, depth)
        elif isinstance(value, type):
            yield from self._class(value, depth)
        else:
            yield from self._instance(value, depth)

    def _function(self, value: types.FunctionType, depth: int) -> Iterator[str]:
        if self._installed(value.__module__):
            yield f"{self._module(value.__module__)}.{value.__qualname__}"
            return
        yield self.describe(value.__code__, depth)
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        yield self.describe([value.__defaults__, value.__kwdefaults__, cells], depth)
        for name in _names(value.__code__):
            if name in value.__globals__:
                yield f"{name}:" + self.describe(value.__globals__[name], depth)
            elif name == "open" and not self.files:
                raise UnknownError("it opens files that FILES does not declare")
            elif name in ("input", "eval", "exec", "__import__", "globals"):
                raise UnknownError(f"it calls {name}")

    def _code(self, code: types.CodeType, depth: int) -> Iterator[str]:
        yield code.co_code.hex()
        yield repr([code.co_names, code.co_varnames, code.co_freevars, code.co_flags, code.co_argcount])
        yield self.describe(code.co_consts, depth)
        for line in dis.get_instructions(code):
            if line.opname == "IMPORT_NAME":
                yield self._module(str(line.argval))

    def _module(self, name: str) -> str:
        top = name.partition(".")[0]
        if top in _FICKLE or (top in _FILES and not self.files):
            raise UnknownError(f"it uses {top}")
        if top in sys.stdlib_module_names:
            return f"standard {name}"
        version = getattr(sys.modules.get(top), "__version__", None)
        if not isinstance(version, str):
            raise UnknownError(f"module {name} has no version")
        return f"{name} {version}"

    @staticmethod
    def _installed(name: str | None) -> bool:
        top = (name or "").partition(".")[0]
        return top in sys.stdlib_module_names or isinstance(getattr(sys.modules.get(top), "__version__", None), str)

    def _builtin(self, value: Any, depth: int) -> str:
        if value.__name__ == "open" and not self.files:
            raise UnknownError("it opens files that FILES does not declare")
        if value.__self__ is not None and not isinstance(value.__self__, types.ModuleType):
            return f"{value.__name__} of " + self.describe(value.__self__, depth)
        return f"{self._module(value.__module__ or 'builtins')}.{value.__qualname__}"

    def _class(self, value: type, depth: int) -> Iterator[str]:
        if self._installed(value.__module__):
            yield f"{self._module(value.__module__)}.{value.__qualname__}"
            return
        yield value.__qualname__
        yield from (self.describe(base, depth) for base in value.__bases__)
        for name, item in vars(value).items():
            if name not in ("__dict__", "__weakref__", "__doc__", "__module__"):
                yield f"{name}:" + self.describe(item, depth)

    def _instance(self, value: Any, depth: int) -> Iterator[str]:
        """An object of a class written in Python: its class and its attributes."""
        kind = type(value)
        ours = kind.__module__.partition(".")[0] == "snorkel" or not self._installed(kind.__module__)
        if isinstance(value, staticmethod | classmethod | property):
            held = [value.fget, value.fset] if isinstance(value, property) else [value.__func__]
            yield self.describe(held, depth)
            return
        if not ours or not hasattr(value, "__dict__"):
            raise UnknownError(f"a {kind.__module__}.{kind.__qualname__} has no fingerprint")
        yield self.describe(kind, depth)
        kept = {key: item for key, item in vars(value).items() if key not in ("_cache", "tilth_examples")}
        yield self.describe(kept, depth)
        yield repr(vars(value).get("tilth_examples"))


def _names(code: types.CodeType) -> list[str]:
    """The global names that a code object looks up, its inner functions included."""
    found = {line.argval for line in dis.get_instructions(code) if line.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found |= set(_names(inner))
    return sorted(found)
