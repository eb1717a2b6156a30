"""Open a night: the record that it starts from, and the tables that it takes over."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tilth import samples as table
from tilth import stage as stages
from tilth import store
from tilth.config import EncoderConfig, Settings
from tilth.devices import resolve_device
from tilth.engine import check_engine
from tilth.errors import RequestError
from tilth.io import Ingested, file_system, ingest
from tilth.learn.encoder import resolve_model
from tilth.learn.pictures import PictureEncoder
from tilth.night.closing import check_addresses
from tilth.night.opening.adapted_encoder import adapted_encoder
from tilth.night.opening.class_changes import classes_gone
from tilth.night.opening.deadline import deadline_sentence, meet
from tilth.night.opening.gold_rescoring import rescored
from tilth.night.opening.input_changes import input_changes
from tilth.night.opening.long_texts import settle_long_texts
from tilth.night.opening.request import Request
from tilth.night.stages import LEDGER, MAP
from tilth.notes import UNREADABLE
from tilth.store import FITS, Run
from tilth.store.answers import back_up

log = logging.getLogger(__name__)


def begin(request: Request, ingested: Ingested | None = None) -> Run:
    """Read the input and open a run; a wrong request raises before anything is written.

    People's answers are copied to a dated backup first: no night can compute them again.
    """
    if request.workspace.answers is not None:
        back_up(request.workspace.answers, request.settings.store.keep_backups)
    if ingested is None:
        ingested = ingest(request.settings, request.workspace.root, workspace=request.workspace)
        for note in ingested.notes:
            log.warning("%s", note)
    drafted = draft(request, ingested)
    record = drafted.record
    for sentence in (*drafted.warnings, *drafted.changes):
        log.warning("%s", sentence)
    if (answers := record["answers"]) is not None and answers["gold"]["corrected"]:
        frame, names = table.to_pandas(ingested.samples), table.names(ingested.tasks)
        rescored_night = rescored(store.latest(request.workspace.runs), frame, names)
        record["answers"] = {**answers, "gold": {**answers["gold"], "last_model": rescored_night}}
    settings, cache = request.settings, store.Cache(request.workspace.cache)
    encoder = EncoderConfig.model_validate(record["config"]["encoder"])
    encoder = adapted_encoder(encoder, ingested.samples, cache, settings.seed)
    record["config"]["encoder"] = encoder.model_dump(mode="json")
    run = Run.create(request.workspace.runs, record)
    store.write_table(run.path / "0-input.parquet", ingested.samples)
    if ingested.unreadable:
        with store.atomic(run.path / UNREADABLE) as unfinished:
            unfinished.write_text("".join(f"{line}\n" for line in ingested.unreadable), encoding="utf-8")
    for path in drafted.earlier:
        store.copy(path, run.path / path.name)
    return run


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a night knows before it starts.

    Attributes:
        record: the first `run.json`.
        earlier: files of an earlier run that it starts from.
        warnings: what a person should know of this night, a sentence each. Whoever drafts a night says them, once: it
            is drafted twice where a request is checked first.
        changes: what is otherwise than earlier nights had or left it, a sentence each.
    """

    record: dict[str, Any]
    earlier: list[Path]
    warnings: tuple[str, ...]
    changes: tuple[str, ...]


def draft(request: Request, ingested: Ingested) -> Draft:
    """The first record of a night, with what it starts from; nothing is written, and nothing said.

    Raises:
        RequestError: `--from` a stage that no run of this input has reached.
        ConfigError: the encoder is not to be had, or something that a stage's config, [schedule] or [engine] names.
    """
    request, deadline = meet(request, ingested.samples.num_rows, datetime.now().astimezone())
    settings, workspace = request.settings, request.workspace
    warnings: list[str] = []
    changes: list[str] = []
    encoder = settle_long_texts(settings.encoder, ingested.samples, warnings.append)
    settings = settings.model_copy(update={"encoder": encoder})
    _check_settings(settings, request)
    earlier = _earlier_files(request, ingested)
    before = store.latest(workspace.runs)
    if before is not None:
        changes += [*classes_gone(before.record, ingested.tasks), *input_changes(before, ingested)]
    carried, fits = _carried(request, ingested, changes.append), _fits(request, changes.append)
    if deadline:
        warnings += filter(None, [deadline_sentence(deadline.to_json())])
    left = {f"{name}{FITS}": digest for name, one in fits.items() if (digest := one["out"])}
    record = {
        "tilth": importlib.metadata.version("tilth"),
        "config": settings.model_dump(mode="json"),
        "overrides": {key: value for key, value in request.overrides.items() if key != "schedule.notify"},
        "workspace": {
            "root": str(workspace.root),
            "config": str(workspace.config) if workspace.config else None,
            "data": str(workspace.data),
        },
        "asked": list(request.stages),
        "deadline": deadline.to_json() if deadline else None,
        "taken_from": earlier[0].parent.name if earlier else None,
        "inputs": ingested.inputs,
        "ingest": {"notes": [note.to_json() for note in ingested.notes]},
        "answers": ingested.answers,
        "tasks": [task.to_json() for task in ingested.tasks],
        # A stage that leaves nothing, because it is skipped or not asked for, hands on what it was given.
        "carried": {"in": carried, "out": {**carried, **left}},
        "fits": fits,
        "stages": [],
        "gold": None,
        "ledger": _taken_ledger(earlier, request.start),
        "model": None,
    }
    return Draft(record=record, earlier=earlier, warnings=tuple(warnings), changes=tuple(dict.fromkeys(changes)))


def _check_settings(settings: Settings, request: Request) -> None:
    """Refuse what the night cannot have: an encoder, a device, an address, or what a stage's config names."""
    check_addresses(settings.schedule)
    check_engine(settings.engine)
    if settings.store.address is not None:
        file_system(settings.store.address, "store.address")  # whether anything here writes to such an address
    encoder = resolve_model(settings.encoder.model)
    if settings.encoder.device != "auto":  # which is always there, and to look for it may load torch
        resolve_device(settings.encoder.device, "encoder.device")
    if settings.data.image is not None:
        PictureEncoder(settings.image, store.Cache(request.workspace.cache), request.workspace.root).check()
    for name in request.stages:
        stages.check(name, settings.stage(name))
        stages.check_encoder(name, settings.stage(name), encoder, settings.encoder)


def _carried(request: Request, ingested: Ingested, warn: Callable[[str], None]) -> dict[str, str]:
    """What this night starts from: what the latest left, or, on the very same rows, what the latest started from.

    So the state never learns twice from the same rows, and a second identical night is the first one again.
    """
    before = store.latest(request.workspace.runs)
    if before is None:
        return {}
    same = _sums(before.record["inputs"]) == _sums(ingested.inputs)
    found: dict[str, str] = before.record["carried"]["in" if same else "out"]
    return {
        name: digest
        for name, digest in found.items()
        if not name.endswith(FITS) and _whole(request.workspace.state / digest, name, warn)
    }


def _fits(request: Request, warn: Callable[[str], None]) -> dict[str, dict[str, str | None]]:
    """By stage, what the latest night started from and left of what is fitted on many rows, and its result's key.

    Which of the two this night starts from is known once the stage's own input is: see `Context.result`.
    """
    before = store.latest(request.workspace.runs)
    if before is None or request.settings.night.full:
        return {}
    record, state, found = before.record, request.workspace.state, {}
    results = {entry["name"]: entry.get("result") for entry in record.get("stages", ())}
    for name in (*results, *(f"{one}{LEDGER}" for one in (*results, "gold")), MAP):
        digests = {side: record["carried"][side].get(f"{name}{FITS}") for side in ("in", "out")}
        whole = {side: one if one and _whole(state / one, name, warn) else None for side, one in digests.items()}
        if any(whole.values()):
            found[name] = {**whole, "result": results.get(name)}
    return found


def _whole(folder: Path, name: str, warn: Callable[[str], None]) -> bool:
    """Whether what a stage carried over stands there as it was left; said where it does not."""
    if store.is_whole_state(folder):
        return True
    if folder.exists():
        warn(f"what {name} carried over in {folder} is damaged: it is fitted again, and replaced")
    else:
        warn(f"what {name} carried over is gone from {folder.parent}: it is fitted again")
    return False


def _earlier_files(request: Request, ingested: Ingested) -> list[Path]:
    if request.start is None or request.start == stages.NAMES[0]:
        return []
    position = stages.NAMES.index(request.start)
    key = [
        _sums(ingested.inputs),
        [task.to_json() for task in ingested.tasks],
        _columns(request.settings.model_dump()),
    ]
    wanted = [f"{number}-{name}.parquet" for number, name in enumerate(stages.NAMES[:position], 1)]
    for run, record in reversed(store.records(request.workspace.runs)):
        paths = [run.path / name for name in wanted]
        held = [_sums(record["inputs"]), record["tasks"], _columns(record["config"])]
        if held == key and all(path.exists() for path in paths):
            entries = [item for item in record["stages"] if item["name"] in stages.NAMES[:position]]
            kept = [run.path / name for item in entries for name in item.get("artifacts", ())]
            return [*(path for path in kept if path.exists()), *paths]
    raise RequestError(
        f"--from {request.start}: no run of this input, with these tasks and columns, in {request.workspace.runs} "
        f"has the stages before it; run them first: tilth run --to {stages.NAMES[position - 1]}"
    )


def _taken_ledger(earlier: Sequence[Path], start: str | None) -> dict[str, Any] | None:
    """What the run that a night starts from measured of the stages before, on train rows."""
    if not earlier or start is None:
        return None
    measured = (store.read_json(earlier[0].parent / "run.json").get("ledger") or {}).get("train") or {}
    train = {name: measured[name] for name in stages.NAMES[: stages.NAMES.index(start)] if name in measured}
    return {"train": train} if train else None


def _sums(inputs: Sequence[dict[str, Any]]) -> list[str]:
    return [item["sha256"] for item in inputs]


def _columns(config: Mapping[str, Any]) -> list[Any]:
    """What of the config settles how the input is read, beside its files and tasks."""
    image = config["data"].get("image")  # which records of an older release lack
    return [*(config["data"][name] for name in ("text", "id", "gold_fraction")), *([image] if image else [])]
