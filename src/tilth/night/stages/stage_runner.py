"""Perform one stage of a night, or take its result from the cache."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset

from tilth import ledger, store
from tilth import samples as table
from tilth import stage as stages
from tilth.engine import has_workers
from tilth.errors import StageError, error_in_words
from tilth.ledger import not_measured
from tilth.night.stages import console
from tilth.night.stages.carried_fits import LEDGER, enter, hand_on
from tilth.night.stages.context import DOUBTS, QUESTIONS, Context
from tilth.night.stages.result_cache import SEAL, kept
from tilth.night.stages.stage_ledger import left_out_because, measure_stage
from tilth.samples import Source, Status
from tilth.store import FITS, Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Started:
    """When a stage began: by a clock that only goes forward, and by what this process and its children had used."""

    clock: float
    processor: float


def _start() -> _Started:
    return _Started(time.monotonic(), _processor_seconds())


def _processor_seconds() -> float:
    """Of this process and the children that it has waited for (none are counted on Windows)."""
    return sum(os.times()[:4])


def perform(run: Run, name: str) -> dict[str, Any]:
    """Run one stage of a night on the newest table of the run, or take its result from the cache.

    Returns:
        The stage's entry in `run.json`.

    Raises:
        StageError: the stage failed; the run stays resumable.
    """
    record = run.record
    started = _start()
    try:
        number = stages.NAMES.index(name) + 1
        before, own = store.read_table(store.newest_table(run.path, number)), run.path / f"{number}-{name}.parquet"
        settings = Context(record).settings
        if name in record["asked"] and (why := stages.why_skipped(name, settings.stage(name))) is not None:
            store.write_table(own, before)  # so that a later night can start from the next stage
            entry = _entry(name, before, before, started, skipped=why)
        elif name in record["asked"]:
            entry = _perform(run, record, name, before, started)
        elif own.exists():
            taken = f"taken from run {record['taken_from']}"
            entry = _entry(name, before, store.read_table(own), started, skipped=taken)
        else:
            entry = _entry(name, before, before, started, skipped="not asked for")
    except Exception as error:
        log.info("stage %s failed", name, exc_info=True)
        raise StageError(f"stage {name} failed: {error_in_words(error)}") from error
    run.update(stages=[*(item for item in run.record["stages"] if item["name"] != name), entry])
    return entry


def _perform(run: Run, record: dict[str, Any], name: str, before: Dataset, started: _Started) -> dict[str, Any]:
    context = Context(record)
    if context.settings.engine.runner and not has_workers():  # flows that a workspace got from an older tilth
        log.warning("[engine] has no effect in this workspace: its flows start no workers; see docs/engine.md")
    functions = context.functions(name)
    files = {path.name: path for path in run.path.glob("*.parquet")}
    folder, side = context.result(name, before, functions, files)
    fits = context.offered_fits(name, side)
    cached = kept(folder)
    if cached:
        store.used(folder)
    else:
        _compute(name, before, context, folder, functions, files, fits)
    result = store.read_json(folder / "result.json")
    if fits:
        enter(run, "in", name, fits)
    number = stages.NAMES.index(name) + 1
    artifacts = sorted((folder / "artifacts").glob("*"))
    for artifact in artifacts:
        store.copy(artifact, run.path / artifact.name)
    for part, key in (("carried", name), ("questions", f"{name}{QUESTIONS}"), ("fits", f"{name}{FITS}")):
        if digest := result[part]:
            store.keep_state(folder / part, context.workspace.state, digest)
            carried = run.record["carried"]
            run.update(carried={**carried, "out": {**carried["out"], key: digest}})
    after, left_out = store.read_table(folder / "table.parquet"), None
    if result["skipped"] is None and name in ledger.MEASURED:
        left_out = _why_left_out(run, name, before, after, context, side)
    # The table comes last: where it stands, all that belongs to it stands too.
    if left_out:
        if name in DOUBTS:
            artifacts.append(run.path / store.LEFT_OUT.format(stage=name))
            store.copy(folder / "table.parquet", artifacts[-1])
        after = before
        store.write_table(run.path / f"{number}-{name}.parquet", before)
    else:
        store.copy(folder / "table.parquet", run.path / f"{number}-{name}.parquet")
    extra: dict[str, Any] = {"left_out": left_out, "artifacts": [artifact.name for artifact in artifacts]}
    extra |= {key: result[key] for key in ("metrics", "figures")} | {"fits": result["made"], "result": folder.name}
    for warning in console.warnings(result["metrics"]) if functions is not None else ():
        log.warning("%s", warning)
    return _entry(name, before, after, started, cached=cached, skipped=result["skipped"], **extra)


def _why_left_out(run: Run, name: str, before: Dataset, after: Dataset, context: Context, side: str) -> str | None:
    """Enter into the ledger what a stage bought on train rows; why it is left out of what follows, where it harms."""
    ledger_name = f"{name}{LEDGER}"
    carried = context.offered_fits(ledger_name, side)
    fits = context.fits(name, carried)
    try:
        measurement = measure_stage(name, before, after, context, fits)
    except Exception as error:  # of any kind: the stage itself has done its work
        log.warning("what %s bought cannot be measured: %s: %s", name, type(error).__name__, error)
        measurement = {
            **not_measured(f"{type(error).__name__}: {error}").to_json(),
            "measured": None,
            "left_out": False,
        }
    if carried:
        enter(run, "in", ledger_name, carried)
    hand_on(run, ledger_name, fits, context.workspace)
    kept = run.record.get("ledger") or {}
    run.update(ledger={**kept, "train": {**kept.get("train", {}), name: measurement}})
    return left_out_because(name, measurement) if measurement["left_out"] else None


def _compute(
    name: str,
    before: Dataset,
    context: Context,
    folder: Path,
    functions: Any,
    files: Mapping[str, Path],
    carried_fits: str | None,
) -> None:
    context.workspace.cache.mkdir(parents=True, exist_ok=True)
    fits = context.fits(name, carried_fits)
    with TemporaryDirectory(
        prefix=store.unfinished_prefix(), dir=context.workspace.cache, ignore_cleanup_errors=True
    ) as scratch:
        resources = stages.Resources(
            tasks=context.tasks,
            seed=context.settings.seed,
            evidence=context.evidence(before, fits),
            scratch=Path(scratch),
            carried=context.carried(name),
            questions=stages.read_questions([context.workspace.state / digest for digest in context.questions(name)]),
            labeling_functions=(functions,) if functions is not None else (),
            candidates_wanted=context.candidates_wanted(name),
            candidates=context.candidates(name, files),
            encoder_tuner=context.encoder_tuner(name),
            left_out=tuple(store.read_table(path) for path in context.left_out(name, files)),
        )
        result = stages.perform(name, before, context.settings.stage(name), resources)
        with store.atomic(folder) as unfinished:
            write_result(unfinished, result, fits)


def write_result(folder: Path, result: stages.StageResult, fits: store.Fits | None = None) -> None:
    """Write a stage's result, and what it fitted, as `result_cache.py` reads it."""
    (folder / "artifacts").mkdir(parents=True)
    store.write_table(folder / "table.parquet", result.samples)
    for label, path in result.artifacts.items():
        shutil.move(path, folder / "artifacts" / label)
    if result.carried is not None:
        shutil.move(result.carried, folder / "carried")
    if result.questions:
        (folder / "questions").mkdir()
        stages.write_questions(folder / "questions", result.questions)
    fits = fits if fits is not None else store.Fits()
    fitted = fits.write(folder / "fits")
    store.write_json(
        folder / "result.json",
        {
            "metrics": dict(result.metrics),
            "figures": [figure.to_json() for figure in result.figures],
            "skipped": result.skipped,
            "carried": store.digest_tree(folder / "carried") if result.carried is not None else None,
            "questions": store.digest_tree(folder / "questions") if result.questions else None,
            "unavailable_services": list(result.unavailable_services),
            "fits": store.state_digest(folder / "fits") if fitted else None,
            "made": [vars(one) for one in fits.made],
        },
    )
    store.write_json(folder / SEAL, {"digest": store.digest_tree(folder)})


def _entry(
    name: str,
    before: Dataset,
    after: Dataset,
    started: _Started,
    *,
    cached: bool = False,
    skipped: str | None = None,
    **extra: Any,
) -> dict[str, Any]:
    old, new = (table.to_pandas(samples)[["id", "status", "reason", "source"]] for samples in (before, after))
    fresh = new[new["status"].ne(new["id"].map(old.set_index("id")["status"]).fillna(Status.ACTIVE.value))]
    counts = {
        status: dict(Counter(fresh.loc[fresh["status"] == status, "reason"]).most_common())
        for status in (Status.QUARANTINED.value, Status.REVIEW.value)
    }
    added = new.iloc[len(old) :]
    return {
        "name": name,
        "rows_in": len(old),
        "rows_out": len(new),
        "added": int(added["source"].eq(Source.PARAPHRASE).sum()),
        **counts,
        "seconds": round(time.monotonic() - started.clock, 2),
        "processor_seconds": round(_processor_seconds() - started.processor, 2),
        "cached": cached,
        "skipped": skipped,
        "left_out": None,
        "artifacts": [],
        "fits": [],
        "result": None,
        "metrics": {},
        "figures": [],
        **extra,
    }
