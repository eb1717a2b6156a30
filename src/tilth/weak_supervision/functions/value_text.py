"""Values that hold no code, as text: what a fingerprint says of constants, patterns, paths, arrays and containers."""

from __future__ import annotations

import enum
import functools
import re
import types
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from tilth.store import digest

_LITERALS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, type(NotImplemented))


def literal_text(value: Any) -> str | None:
    """Text of a value that needs no walk: equal values give equal text; None for other values."""
    if isinstance(value, enum.Enum):
        return f"enum {type(value).__qualname__}.{value.name}={value.value!r}"
    return f"{type(value).__name__} {value!r}" if type(value) in _LITERALS else None


def whole_text(value: Any) -> str | None:
    """Text that describes a value in full; None where there is no such text."""
    match value:
        case re.Pattern():
            return f"{value.pattern!r} {value.flags}"
        case PurePath():
            return str(value)
        case np.ndarray() | np.generic() if not value.dtype.hasobject:
            return f"{value.dtype} {value.shape} {digest(value.tobytes().hex())}"
    return None


def items_of(value: Any) -> Sequence[Any] | None:
    """The values that make up a value, in order; None where it is no such whole."""
    match value:
        case tuple() | list():
            return value
        case functools.partial():
            return [value.func, value.args, value.keywords]
        case types.MethodType():
            return [value.__func__, value.__self__]
    return None
