"""The stages of a night in their order, and the one place that calls one."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset

from tilth import samples as table
from tilth.config import EncoderConfig, Model
from tilth.errors import ContractError, RequestError, did_you_mean
from tilth.samples import Source, Task
from tilth.stage.contract import Resources, StageModule, StageResult
from tilth.stage.questions import answer_seconds
from tilth.stage.tuning import EncoderTuner

NAMES = ("cleaning", "weak_supervision", "augmentation", "active_learning", "training")
"""The stages, in the order of a night; the one place where a stage is registered."""


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


def check_encoder(name: str, config: Model, folder: Path, reads: EncoderConfig) -> None:
    """Ask a stage, before a night begins, whether it can train the night's encoder as its config says.

    Args:
        name: of the stage.
        config: the stage's own.
        folder: the encoder's files.
        reads: how the night's encoder reads texts.

    Raises:
        ConfigError: it cannot; the message says what can be set.
    """
    if (own := getattr(get(name), "check_encoder", None)) is not None:
        own(config, folder, reads)


def why_skipped(name: str, config: Model) -> str | None:
    """Why the config skips a stage, or None where it does not."""
    return f'[{name}] when = "never"' if getattr(config, "when", "auto") == "never" else None


def external_cache_inputs(name: str, config: Model) -> list[str]:
    """What a stage's result depends on that stands in neither its config nor tilth: files, programs, as digests."""
    own = getattr(get(name), "external_cache_inputs", None)
    return list(own(config)) if own is not None else []


def wants_candidates(name: str, config: Model) -> bool:
    """Whether a stage, by its config, learns from `Resources.candidates`; so that none are drawn that nobody reads."""
    own = getattr(get(name), "wants_candidates", None)
    return own is not None and why_skipped(name, config) is None and bool(own(config))


def encoder_tuner(name: str, config: Model) -> EncoderTuner | None:
    """How a stage would train the encoder by its config, where it trains any: see `Resources.encoder_tuner`."""
    own = getattr(get(name), "encoder_tuner", None)
    if own is None or why_skipped(name, config) is not None:
        return None
    tuner: EncoderTuner | None = own(config)
    return tuner


def perform(name: str, samples: Dataset, config: Model, resources: Resources) -> StageResult:
    """Run a stage with its input and its output checked, and set the current labels.

    Raises:
        ContractError: the stage broke the contract; the message names what it did.
    """
    table.validate(samples, resources.tasks)
    if (why := why_skipped(name, config)) is not None:
        return StageResult(samples=samples, skipped=why)
    result = get(name).run(copy(samples), config, resources)  # what it does to the object is seen, as any change is
    _check_scratch(name, result, resources.scratch)
    for question in result.questions:
        answer_seconds(question.detector)  # of a source that is not registered, nobody could say who asks
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
