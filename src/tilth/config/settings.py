"""Typed, frozen configuration: every section and key, with its default and its meaning."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import (
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from tilth.config.base import FOLDER, Files, Model
from tilth.config.engine import Address, EngineConfig
from tilth.config.nights import NightConfig, PromotionConfig, ScheduleConfig
from tilth.devices import DEVICE
from tilth.errors import did_you_mean
from tilth.text import clean_label


class DataConfig(Model):
    """Where the rows come from."""

    input: Files = Field(
        default=(),
        description="CSV, JSONL, Parquet or Excel files, patterns such as data/*.jsonl, addresses such as "
        "s3://bucket/rows.csv, or hf:owner/name:split",
    )
    mode: Literal["replace", "append"] = Field(
        default="replace",
        description="replace: the input is the complete set, and a row that is gone from it is gone; append: it adds "
        "to the rows of earlier nights, and replaces those that come again",
    )
    sql: str | None = Field(default=None, description="a query whose rows are input too, asked of data.database")
    database: str | None = Field(
        default=None,
        description="sqlite:///rows.db, or another address of SQLAlchemy; $NAME in it is read from the environment",
    )
    gold: str | None = Field(default=None, description="rows that are only measured on, never learned from")
    annotations: str | None = Field(
        default=None, description="votes of several annotators, one a line: id, annotator, and a column of labels"
    )
    text: str = Field(default="text", description="the column that holds the text")
    image: str | None = Field(
        default=None,
        description="the column of pictures: paths relative to the input file, or bytes in Parquet (experimental)",
    )
    id: str = Field(default="id", description="the column that holds the row's own id, where there is one")
    definitions: dict[str, str] = Field(
        default={},
        description='a sentence for each class, which whoever labels reads, and models of few labels: CLASS = "…"',
    )
    class_names: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="learn from the classes' names, and the sentences on them, as from labeled texts; auto does so "
        "where labels are few and those of held-out train rows are likelier by it, or, where too few can be held out, "
        "names alone classify the labeled rows",
    )
    gold_fraction: float = Field(
        default=0.0, ge=0.0, lt=0.9, description="without a gold file: lock this share of the labeled rows away as gold"
    )

    @field_serializer("database")
    def _without_password(self, address: str | None) -> str | None:
        """A night's record, which holds the config, is shown around."""
        return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:…@", address) if address else address


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
    batch_tokens: int = Field(
        default=512, ge=64, description="padded tokens in one forward pass; on an accelerator 32,768 at the least"
    )
    device: str = Field(
        default="auto",
        pattern=DEVICE,
        description='"auto" (the first CUDA device, else the processor), "cpu", "cuda", "cuda:1", "mps", "xpu" or '
        '"hpu"; vectors differ by rounding alone, and are cached under one name',
    )
    attention: Literal["full", "dynamic"] = Field(
        default="full",
        description="full: within chunks of max_tokens; dynamic (experimental): a longer text in one pass, by windows "
        "of blocks that meaning widens",
    )
    window: int = Field(
        default=320, ge=192, le=8192, description="dynamic: tokens that a block of 64 sees on average, in a longer text"
    )
    adapt_steps: int = Field(
        default=0,
        ge=0,
        le=2000,
        description="dynamic: steps of training by which windows learn to give what full attention gives, a stretch of "
        "1,024 tokens of the input's long texts each; 0 trains nothing",
    )
    weights: str | None = Field(
        default=None, description="the folder of adapted weights; a night sets it by adapt_steps"
    )
    long_texts: Literal["auto", "chunks", "passages"] = Field(
        default="auto",
        description="how texts beyond max_tokens are read: chunks of max_tokens, averaged; passages: sentence by "
        "sentence, where heads learn which to go by, and averaged only where that is no worse; auto: passages where "
        "half of the texts have more words than max_tokens",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="bfloat16 is faster on some CPUs, but a vector then depends, in its third digit, on its batch",
    )

    @model_validator(mode="after")
    def _adapts_windows(self) -> EncoderConfig:
        if self.adapt_steps and self.attention == "full":
            raise ValueError(
                f'adapt_steps = {self.adapt_steps} adapts windows, and attention = "full" has none; set attention = '
                '"dynamic", or adapt_steps = 0'
            )
        return self


class ImageConfig(Model):
    """Pictures beside texts, where `data.image` names a column of them: see docs/pictures.md."""

    model: str = Field(
        default="default",
        description='"default" (EfficientNet-Lite0 of the extra images), a folder, or a Hub name of transformers',
        json_schema_extra=FOLDER,
    )
    max_pixels: int = Field(
        default=50_000_000, ge=1, description="a picture of more is set aside, and never decoded; its row goes on"
    )


class StoreConfig(Model):
    """What `tilth clean` leaves of earlier nights, and of the cache; and the copies of people's answers."""

    keep_runs: int = Field(
        default=30, ge=1, description="nights that keep tables and model; of older ones stay the record and the report"
    )
    max_cache_gb: float = Field(
        default=5.0,
        ge=0.0,
        description="what no kept night uses goes from data/cache until it is no larger (10^9 bytes)",
    )
    keep_backups: int = Field(
        default=30, ge=1, description="dated copies of labels.sqlite in data/backups, one a day on which a night ran"
    )
    auto_clean: bool = Field(default=False, description="clean after each night, and not on `tilth clean` alone")
    address: Address | None = Field(
        default=None, description="where each night is copied, for example s3://bucket/inbox: see docs/engine.md"
    )


class Settings(Model):
    """The whole configuration; each stage's own config is a field of the stage's name."""

    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="of every random choice")
    folds: int = Field(default=5, ge=2, le=20, description="folds of every cross-validation; rows fall by a hash of id")
    data: DataConfig = DataConfig()
    tasks: tuple[TaskConfig, ...] = Field(default=(), description="what is classified, parents before children")
    encoder: EncoderConfig = EncoderConfig()
    image: ImageConfig = ImageConfig()
    promotion: PromotionConfig = PromotionConfig()
    store: StoreConfig = StoreConfig()
    night: NightConfig = NightConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    engine: EngineConfig = EngineConfig()

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

    def stage_when(self, name: str) -> str:
        """A stage's `when`: `auto`, `always` or `never`."""
        return str(getattr(self.stage(name), "when", "auto"))
