"""The contract that every stage keeps, and the one place that calls a stage.

A stage is a package `tilth.<name>` with a frozen `Config` and a function
`run(samples, config, resources) -> StageResult`. It is pure but for `resources.scratch`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from datasets import Dataset

from tilth import samples as table
from tilth.config import Model
from tilth.errors import ContractError, RequestError, did_you_mean
from tilth.samples import Source, Task

if TYPE_CHECKING:
    from tilth.evidence import Evidence

NAMES = ("cleaning", "weak_supervision", "augmentation", "active_learning", "training")
"""The stages, in the order of a night; the one place where a stage is registered."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The numbers behind one picture of the report; the report draws it.

    Attributes:
        kind: `bar` (labels, values, optional series), `histogram` (edges, counts), `line` (x, y, optional series),
            `heatmap` (rows, columns, values) or `table` (columns, rows).
        title: what a reader sees above it.
        data: the fields that the kind needs, as plain JSON.
        note: one sentence that says how to read it.
    """

    kind: str
    title: str
    data: Mapping[str, Any]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is written beside a cached stage and in `report.json`."""
        return {"kind": self.kind, "title": self.title, "data": dict(self.data), "note": self.note}


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What a stage hands back.

    Attributes:
        samples: the table, with the stage's own columns set and, from augmentation alone, rows added at the end.
        metrics: plain JSON, shown in `run.json` and the report.
        figures: pictures for the report.
        artifacts: name in the run folder → file or folder under `resources.scratch`.
        carried: a folder under `resources.scratch` that the next night gets as `resources.carried`.
        skipped: why the stage did nothing, where it did nothing.
        unheard: who was asked and gave no answer; another night does not take this result, and asks again.
    """

    samples: Dataset
    metrics: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    carried: Path | None = None
    skipped: str | None = None
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resources:
    """All that a stage may use beside its input and its config.

    Attributes:
        tasks: what is classified, parents before children.
        seed: of every random choice.
        evidence: what several stages need, computed once.
        scratch: an empty folder, the only place where a stage may write.
        carried: what the last night's same stage left for this one.
        labeling_functions: the workspace's own labeling functions, as loaded objects.
    """

    tasks: tuple[Task, ...]
    seed: int
    evidence: Evidence
    scratch: Path
    carried: Path | None = None
    labeling_functions: tuple[Any, ...] = ()


class StageModule(Protocol):
    """What `tilth.<name>` must hold; it may also have `check(config)` and `rests_on(config)`, see there."""

    Config: type[Model]

    @staticmethod
    def run(samples: Dataset, config: Any, resources: Resources) -> StageResult:
        """Do the stage's work."""


def get(name: str) -> StageModule:
    """The stage of that name.

    Raises:
        RequestError: naming the nearest stage.
    """
    if name not in NAMES:
        raise RequestError(f'unknown stage "{name}"; {did_you_mean(name, NAMES)}')
    module: Any = importlib.import_module(f"tilth.{name}")
    return module


def configs() -> dict[str, type[Model]]:
    """Each stage's config class, by name, for `tilth.config.load`."""
    return {name: get(name).Config for name in NAMES}


def check(name: str, config: Model) -> None:
    """Ask a stage, before a night begins, whether all that its config names is there.

    Raises:
        ConfigError: something is not; the message says how to get it.
    """
    if (own := getattr(get(name), "check", None)) is not None:
        own(config)


def rests_on(name: str, config: Model) -> list[str]:
    """What a stage's result depends on that stands in neither its config nor tilth: files, programs, as digests."""
    own = getattr(get(name), "rests_on", None)
    return list(own(config)) if own is not None else []


def perform(name: str, samples: Dataset, config: Model, resources: Resources) -> StageResult:
    """Run a stage with its input and its output checked, and put the labels in force.

    Raises:
        ContractError: the stage broke the contract; the message names what it did.
    """
    table.validate(samples, resources.tasks)
    result = get(name).run(copy(samples), config, resources)  # what it does to the object is seen, as any change is
    _check_scratch(name, result, resources.scratch)
    if result.skipped is not None:
        return replace(result, samples=samples)
    _check_changes(name, samples, result.samples, resources.tasks)
    resolved = table.resolve(table.to_pandas(result.samples), resources.tasks)
    after = table.from_pandas(resolved, resources.tasks)
    table.validate(after, resources.tasks)
    return replace(result, samples=after)


def _check_scratch(name: str, result: StageResult, scratch: Path) -> None:
    left = [*result.artifacts.values(), *([result.carried] if result.carried else [])]
    for path in left:
        if not path.resolve().is_relative_to(scratch.resolve()):
            raise ContractError(f"stage {name} left {path} outside its scratch folder {scratch}")


def _check_changes(name: str, before: Dataset, after: Dataset, tasks: Sequence[Task]) -> None:
    if after.num_rows < before.num_rows or not after.data.table["id"][: before.num_rows].equals(
        before.data.table["id"]
    ):
        raise ContractError(f"stage {name} dropped or reordered rows; a row is set aside, never deleted")
    if after.num_rows > before.num_rows:
        added = set(after.data.table["source"][before.num_rows :].to_pylist())
        if name != "augmentation" or added != {Source.PARAPHRASE.value}:
            raise ContractError(f"stage {name} added rows of source {sorted(added)}; only augmentation adds any")
    for column in table.changed_columns(before, after):
        owner = table.find(column, table.names(tasks)).owner
        if owner != name and column not in ("status", "reason"):
            raise ContractError(f'stage {name} changed column "{column}", which {owner} owns')
    rank_before = table.severity(before.data.table["status"].to_pandas())
    rank_after = table.severity(after.data.table["status"].to_pandas())[: before.num_rows]
    if (rank_after < rank_before).any():
        raise ContractError(f"stage {name} loosened a status; within a night it only tightens")
