"""A config as the text of a `tilth.toml`, each key with its meaning: for `tilth config`, `tilth init` and the docs."""

from __future__ import annotations

import json
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

WIDTH = 110
"""Characters of a comment's line."""


def config_toml(settings: BaseModel) -> str:
    """The whole config as TOML that reads back as the same config; a key without a value is commented out."""
    return "\n".join(_table(settings, "")).strip() + "\n"


def config_examples(settings: BaseModel, keys: Sequence[str], values: Mapping[str, Any]) -> str:
    """Some keys, commented out, each with its meaning and its value, or of `values`; any line may be uncommented."""
    lines = []
    for key in keys:
        *parents, name = key.split(".")
        model: Any = settings
        for parent in parents:
            model = getattr(model, parent)
        lines += [
            *_meaning(type(model).model_fields[name]),
            f"# {_pair(key, values.get(key, getattr(model, name)))}",
            "",
        ]
    return "\n".join(lines)


def _table(model: BaseModel, path: str) -> Iterator[str]:
    """A table's own keys, then the tables in it."""
    inner = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            inner.append((name, value))
        elif _is_tables(value):
            inner += [(name, one) for one in value]
        else:
            yield from (*_meaning(field), _pair(name, value), "")
    for name, value in inner:
        at, several = f"{path}{name}", isinstance(getattr(model, name), tuple)
        yield from (*_comment(_first_line(type(value))), f"[[{at}]]" if several else f"[{at}]")
        yield from _table(value, f"{at}.")


def _is_tables(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(one, BaseModel) for one in value)


def _first_line(kind: type[BaseModel]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _pair(name: str, value: Any) -> str:
    return f"# {name} =" if value is None else f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML takes as an escape alone


def _meaning(field: FieldInfo) -> list[str]:
    """What a key means, what it may be, and what it is where nobody sets it."""
    words = [field.description or ""]
    if typing.get_origin(field.annotation) is typing.Literal:
        words.append(f"one of {', '.join(map(str, typing.get_args(field.annotation)))}")
    words.append(_bounds(field))
    if not field.is_required() and field.default is not None:
        words.append(f"default: {_value(field.default)}")
    return _comment("; ".join(filter(None, words)))


def _bounds(field: FieldInfo) -> str:
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    bounds = {sign: getattr(item, sign) for item in field.metadata for sign in signs if hasattr(item, sign)}
    return ", ".join(f"{signs[sign]} {bound}" for sign, bound in bounds.items())


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)
