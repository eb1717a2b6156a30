"""The configuration from `tilth.toml`, `--set` and `--label`; an unknown key names the nearest valid one."""

from __future__ import annotations

import csv
import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from tilth.config.base import FOLDER, Model
from tilth.config.settings import Settings
from tilth.errors import ConfigError, did_you_mean

log = logging.getLogger(__name__)

_OBSOLETE = {
    "promotion.tolerance": "has no effect any more, and is an unknown key from the next release on; take it out: a "
    "night is refused where it is clearly worse than the best promoted one, or below promotion.floor",
    "cleaning.min_precision": "still works, and is an unknown key from the next release on: cleaning.prefer = "
    '"precision", "balanced" or "recall" takes its place',
    "training.trunk": "still works, and is an unknown key from the next release on: training.mode takes its place, "
    '"probe" for "frozen" and "full" for "tuned"',
}
"""Keys of an earlier release → what is said of them."""


def load(path: Path | None, overrides: Mapping[str, Any], stages: Mapping[str, type[Model]]) -> Settings:
    """Read a config file, lay the overrides over it, and check the whole.

    Args:
        path: `tilth.toml`, or None for defaults.
        overrides: dotted key → value, stronger than the file.
        stages: each stage's config class, by the stage's name.

    Raises:
        ConfigError: an unreadable file, an unknown key, a value of a wrong type or out of range.
    """
    fields: dict[str, Any] = {name: (kind, kind()) for name, kind in stages.items()}
    model = create_model("Settings", __base__=Settings, **fields)
    values = _read(path) if path else {}
    if path is not None:
        _make_folders_absolute(values, model, path.parent)
    for key, value in overrides.items():
        _put(values, key, value)
    _make_folders_absolute(values, model, Path.cwd())
    for key, advice in _OBSOLETE.items():
        section, _, name = key.partition(".")
        in_file = path is not None and isinstance(values.get(section), Mapping) and name in values[section]
        if in_file or key in overrides:  # not of the record of an older night, which is no file of today's user
            log.warning("%s %s", key, advice)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(item, model, path) for item in error.errors())) from None


def parse_override(text: str) -> tuple[str, Any]:
    """Split `key.sub=value`; the value is read as TOML, and as plain text where it is not TOML.

    >>> parse_override("training.steps=3")
    ('training.steps', 3)
    >>> parse_override("data.text=body")
    ('data.text', 'body')
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f'--set takes key.sub=value, found "{text}"')
    try:
        return key.strip(), tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def parse_task(text: str) -> dict[str, str]:
    """A task from its label column, `domain/intent` being `intent` under `domain`; named after its column.

    >>> parse_task("domain/intent")
    {'name': 'intent', 'column': 'intent', 'parent': 'domain'}
    >>> parse_task("2nd level")
    {'name': 'task_2nd_level', 'column': '2nd level'}
    """
    parent, _, column = (part.strip() for part in text.rpartition("/"))
    return {"name": _name(column), "column": column, **({"parent": _name(parent)} if parent else {})}


def parse_tasks(text: str) -> list[dict[str, str]]:
    """The tasks of `--label`: columns with commas between them, in quotes where a column's name holds one.

    >>> [task["column"] for task in parse_tasks('domain,domain/intent,"price, EUR"')]
    ['domain', 'intent', 'price, EUR']
    """
    return [parse_task(part) for part in parse_names(text)]


def parse_names(text: str) -> list[str]:
    """Names with commas between them, in quotes where a name holds one.

    >>> parse_names('refund, "fees, charges"')
    ['refund', 'fees, charges']
    """
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), []) if part.strip()]


def _name(column: str) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in column)
    return name if re.match("[A-Za-z]", name) else f"task_{name}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"no config file at {path}; make a workspace with: tilth init DIR") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _make_folders_absolute(values: dict[str, Any], model: type[BaseModel], root: Path) -> None:
    """Make relative folders absolute, in place; what is no folder below the root, a Hub name for one, stays."""
    for name, field in model.model_fields.items():
        value, kind = values.get(name), field.annotation
        if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
            _make_folders_absolute(value, kind, root)
        named = field.json_schema_extra == FOLDER and isinstance(value, str) and value != field.default
        if named and (root / str(value)).is_dir():
            values[name] = str((root / str(value)).resolve())


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ConfigError(f'--set {key}: "{parent}" is not a section')
    values[last] = value


def _explain(item: Mapping[str, Any], model: type[BaseModel], path: Path | None) -> str:
    where = path.name if path else "config"
    location: Sequence[Any] = item["loc"]
    key = ".".join(str(part) for part in location)
    if item["type"] == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        valid = list(owner.model_fields) if owner else []
        return f'{where}: unknown key "{key}"; {did_you_mean(str(location[-1]), valid)}'
    message = str(item["msg"]).removeprefix("Value error, ").replace("a valid tuple", 'a list, ["…", "…"]')
    section = item["type"] == "value_error" and isinstance(item["input"], dict)  # the message names what it found
    found = "" if section or not location else f"; found {item['input']!r}"
    return f"{where}: {f'{key}: ' if key else ''}{message}{found}"


def _model_at(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    for part in location:
        if isinstance(part, int):
            continue
        annotation: Any = model.model_fields[part].annotation
        inner = [kind for kind in getattr(annotation, "__args__", ()) if kind is not Ellipsis]
        annotation = inner[0] if inner else annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    return model
