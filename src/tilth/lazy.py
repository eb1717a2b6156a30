"""Names that a package hands on, loaded when they are first asked for (PEP 562)."""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


def lazy_exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names live in its modules.

    So `import tilth.training` loads neither torch nor transformers until a name that needs them is asked for. Which
    names there are, and where, is what the package imports for type checkers from below itself, under
    `if TYPE_CHECKING:`; that block is read from the source when a name is first asked for.

    Args:
        package: its `__name__`.
    """
    homes = functools.cache(lambda: dict(_homes(package)))

    def load(name: str) -> Any:
        if name.startswith("__") or name not in homes():
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(homes()[name]), name)

    return load, lambda: sorted(homes())


def _homes(package: str) -> Iterator[tuple[str, str]]:
    """Each name that a package hands on, and the module that it comes from."""
    loader: Any = sys.modules[package].__loader__
    for node in ast.parse(loader.get_source(package)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for one in node.body:
                if isinstance(one, ast.ImportFrom) and (one.module or "").startswith(f"{package}."):
                    yield from ((name.name, str(one.module)) for name in one.names)
