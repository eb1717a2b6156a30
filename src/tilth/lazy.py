"""Names that a package hands on, loaded when they are first asked for (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_exports(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names live in its modules.

    So `import tilth.training` loads neither torch nor transformers until a name that needs them is asked for.

    Args:
        package: its `__name__`.
        homes: module, relative to the package → the names that it defines.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(f"{package}.{home_of[name]}"), name)

    return load, lambda: sorted(home_of)
