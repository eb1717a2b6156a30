"""Typed, frozen configuration from `tilth.toml` and `--set`; an unknown key names the nearest valid one."""

from __future__ import annotations

import csv
import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from tilth.errors import ConfigError, did_you_mean
from tilth.text import clean_label

log = logging.getLogger(__name__)


class Model(BaseModel):
    """Base of every config: keyword-only, frozen, and closed to keys that it does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


FOLDER: Any = {"folder": True}
"""Marks a field that may name a folder: a relative one starts from where `tilth.toml` stands, of --set from here."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Files = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class DataConfig(Model):
    """Where the rows come from."""

    input: Files = Field(default=(), description="CSV, JSONL or Parquet files, or hf:owner/name:split")
    gold: str | None = Field(default=None, description="rows that are only measured on, never learned from")
    annotations: str | None = Field(
        default=None, description="votes of several annotators, one a line: id, annotator, and a column of labels"
    )
    text: str = Field(default="text", description="the column that holds the text")
    id: str = Field(default="id", description="the column that holds the row's own id, where there is one")
    gold_fraction: float = Field(
        default=0.0, ge=0.0, lt=0.9, description="without a gold file: lock this share of the labeled rows away as gold"
    )


class TaskConfig(Model):
    """One thing to classify."""

    name: str = Field(description="name of the task and of its label column in the table")
    column: str | None = Field(default=None, description="the input column that holds the given labels; default: name")
    parent: str | None = Field(default=None, description="the task that this one refines")
    labels: tuple[str, ...] = Field(default=(), description="the classes, where they are fixed; default: those found")

    @field_validator("labels")
    @classmethod
    def _labels_differ(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(clean_label(label) for label in labels)  # as those of the input are
        if "" in found:
            raise ValueError("an empty label; a row without a label needs none")
        if twice := sorted({label for label in found if found.count(label) > 1}):
            raise ValueError(f"{twice[0]!r} stands there twice")
        return found


class EncoderConfig(Model):
    """The one model that turns texts into vectors for every stage."""

    model: str = Field(default="default", description='"default", a folder, or a Hub name', json_schema_extra=FOLDER)
    max_tokens: int = Field(default=256, ge=16, le=8192, description="longer texts are chunked and pooled")
    max_chunks: int = Field(default=64, ge=1, description="chunks a text; beyond it, evenly spaced ones are taken")
    batch_tokens: int = Field(default=4096, ge=64, description="padded tokens in one forward pass")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="bfloat16 is faster on some CPUs, but a vector then depends, in its third digit, on its batch",
    )


class PromotionConfig(Model):
    """When a night becomes `data/runs/latest`."""

    floor: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="a night whose macro-F1, averaged over tasks, is lower is not promoted",
    )
    tolerance: float | None = Field(default=None, ge=0.0, description="of an older release: read, and without effect")


class StoreConfig(Model):
    """What `tilth clean` leaves of earlier nights, and of the cache."""

    keep_runs: int = Field(
        default=30, ge=1, description="nights that keep tables and model; of older ones stay the record and the report"
    )
    max_cache_gb: float = Field(
        default=5.0,
        ge=0.0,
        description="what no kept night uses goes from data/cache until it is no larger (10^9 bytes)",
    )
    auto_clean: bool = Field(default=False, description="clean after each night, and not on `tilth clean` alone")


class Settings(Model):
    """The whole configuration; each stage's own config is a field of the stage's name."""

    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="of every random choice")
    folds: int = Field(default=5, ge=2, le=20, description="folds of every cross-validation; rows fall by a hash of id")
    data: DataConfig = DataConfig()
    tasks: tuple[TaskConfig, ...] = Field(default=(), description="what is classified, parents before children")
    encoder: EncoderConfig = EncoderConfig()
    promotion: PromotionConfig = PromotionConfig()
    store: StoreConfig = StoreConfig()

    @model_validator(mode="after")
    def _tasks_make_a_tree(self) -> Settings:
        known = [task.name for task in self.tasks]
        for position, task in enumerate(self.tasks):
            if not re.fullmatch(r"[A-Za-z]\w*", task.name):
                raise ValueError(
                    f'task "{task.name}": a name begins with a letter from A to Z and goes on with letters, digits '
                    "and _; name the task so, and the input's column by column = …"
                )
            if known.index(task.name) != position:
                raise ValueError(f'task "{task.name}" is declared twice')
            if task.parent is not None and task.parent not in known[:position]:
                raise ValueError(
                    f'task "{task.name}" has parent "{task.parent}", which is not declared before it; '
                    f"{did_you_mean(task.parent, known[:position])} (--label {task.parent},{task.parent}/{task.name})"
                )
            for other in self.tasks[:position]:
                if (other.column or other.name) == (task.column or task.name):
                    raise ValueError(f'tasks "{other.name}" and "{task.name}" read one column; each needs its own')
        return self

    def stage(self, name: str) -> Model:
        """The config of one stage."""
        config: Model = getattr(self, name)
        return config


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
        _root(values, model, path.parent)
    for key, value in overrides.items():
        _put(values, key, value)
    _root(values, model, Path.cwd())
    if "promotion.tolerance" in overrides or (path is not None and "tolerance" in _section(values, "promotion")):
        log.warning(
            "promotion.tolerance has no effect any more, and is an unknown key from the next release on; take it out: "
            "a night is refused where it is surely worse than the best promoted one, or below promotion.floor"
        )
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
    return [parse_task(part) for part in next(csv.reader([text], skipinitialspace=True), []) if part.strip()]


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


def _root(values: dict[str, Any], model: type[BaseModel], root: Path) -> None:
    """Make relative folders absolute, in place; what is no folder below the root, a Hub name for one, stays."""
    for name, field in model.model_fields.items():
        value, kind = values.get(name), field.annotation
        if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
            _root(value, kind, root)
        named = field.json_schema_extra == FOLDER and isinstance(value, str) and value != field.default
        if named and (root / str(value)).is_dir():
            values[name] = str((root / str(value)).resolve())


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    return section if isinstance(section, Mapping) else {}


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
    found = "" if not location else f"; found {item['input']!r}"
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
