"""The ledger of a night: what each stage bought, measured anew only where what it measures has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset

from tilth import ledger, store
from tilth import samples as table
from tilth import stage as stages
from tilth.errors import DamagedFileError
from tilth.ledger import Measurement, Verdict, not_measured
from tilth.night.stages.carried_fits import LEDGER, enter, hand_on
from tilth.night.stages.context import DOUBTS, Context
from tilth.store import Fits, Run

log = logging.getLogger(__name__)

_FILE = "measured.json"
_CODE = (
    "ledger",
    "learn/models/linear_probe.py",
    "learn/metrics/model_comparison.py",
    "learn/metrics/metrics.py",
    "samples",
)


def measure_stage(
    name: str, before: Dataset, after: Dataset, context: Context, fits: Fits | None = None
) -> dict[str, Any]:
    """Whether a stage helps or harms on train rows, by cross-validation; see `tilth.ledger.measure_on_train_rows`.

    While few of the labels that either table teaches have changed, an earlier night's measurement stands.

    Args:
        name: the stage.
        before: the table that it was handed.
        after: the table that it handed on.
        context: of the night.
        fits: what the ledger takes over of an earlier night, and hands on.

    Returns:
        As it stands in `run.json` under `ledger.train`: the measurement, `measured`, when that was, and `left_out`,
        whether the rest of the night goes on without the stage.
    """
    if context.settings.stage_when(name) != "auto":
        why = f'{name}.when = "always": nothing is decided by it, so that nothing is measured'
        return {**not_measured(why).to_json(), "measured": None, "left_out": False}

    def measure() -> dict[str, Any]:
        old, new = table.to_pandas(before), table.to_pandas(after)
        vectors = context.evidence(after).embeddings()
        settings = context.settings
        measurement = ledger.measure_on_train_rows(
            old, new, context.tasks, vectors, folds=settings.folds, seed=settings.seed
        )
        return measurement.to_json()

    key = _train_key(before, after, context)
    fits = fits if fits is not None else context.fits(name, None)
    entry = _taken_over(fits, _label_digests(before, after, context), context, key, measure)
    return {**entry, "left_out": entry["verdict"] == Verdict.HARMS}


def left_out_by_now(name: str, before: Dataset, after: Dataset, context: Context, side: str = "out") -> bool | None:
    """Whether `measure_stage` leaves a stage out, as far as that is known without measuring; None where it is not."""
    if name not in ledger.MEASURED or context.settings.stage_when(name) != "auto":
        return False
    fits = context.fits(name, context.offered_fits(f"{name}{LEDGER}", side))
    key = _train_key(before, after, context)
    try:
        entry = _taken_over(fits, _label_digests(before, after, context), context, key, _unknown)
    except _NotMeasuredYetError:
        return None
    return bool(entry["verdict"] == Verdict.HARMS)


class _NotMeasuredYetError(Exception):
    pass


def _unknown() -> dict[str, Any]:
    raise _NotMeasuredYetError


def _label_digests(before: Dataset, after: Dataset, context: Context) -> np.ndarray:
    """A digest of each row that either table teaches, with the labels in both."""
    old, new = table.to_pandas(before), table.to_pandas(after)
    codes = []
    for task in context.tasks:
        for frame in (old, new):
            codes.append(np.full(len(new), -1))
            codes[-1][: len(frame)] = table.learnable_codes(frame, task)
    return store.labeled_row_digests(context.evidence(after).row_keys, codes)


def _taken_over(
    fits: Fits, rows: np.ndarray, context: Context, key: str, measure: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What an earlier night measured, or this one, with the date on which it was."""
    dates: list[str] = []
    fits.cache = None  # the ledger has one of its own, with dates

    def fit() -> dict[str, Any]:
        entry = _carried(context, key, measure)
        dates.append(entry["measured"])
        return {name: value for name, value in entry.items() if name != "measured"}

    code = {"code": _code(), "tasks": store.digest_json([task.to_json() for task in context.tasks])}
    found: dict[str, Any] = fits.facts("what it bought", rows, fit, basis=code)
    return {**found, "measured": dates[0] if dates else fits.made[-1].date}


def left_out_because(name: str, entry: dict[str, Any]) -> str:
    """Why a stage is left out, for the terminal and the report."""
    by_agreed = entry["interval"][1] < 0
    shown = entry if by_agreed else entry["by_given"]
    labels = "labels that it leaves as they are" if by_agreed else "labels as they were given"
    low, high = shown["interval"]
    asked = "; people are asked about the labels that it doubts all the same" if name in DOUBTS else ""
    return (
        f"left out of what follows, for it harms: a linear probe scores {shown['with']:.3f} with it and "
        f"{shown['without']:.3f} without, on {shown['rows']} train rows that it did not learn from, by the {labels} "
        f"(difference {shown['difference']:+.3f}, 95% interval {low:+.3f} to {high:+.3f})"
        f'{asked}; {name}.when = "always" keeps it'
    )


def gold_ledger(run: Run, context: Context) -> dict[str, Any]:
    """What each stage bought on gold rows, by stage, as it stands in `run.json` under `ledger.gold`.

    While few labels have changed, those to learn from and those to measure by, an earlier night's measurement stands.
    """
    names = ("input", *stages.NAMES)
    paths = {name: run.path / f"{number}-{name}.parquet" for number, name in enumerate(names)}
    tables = {name: store.read_table(path) for name, path in paths.items() if path.exists()}
    digests = [store.digest_table(samples) for samples in tables.values()]
    key = _key(context, "gold", *tables, *digests)

    def measure() -> dict[str, Any]:
        frames = {name: table.to_pandas(samples) for name, samples in tables.items()}
        last = list(tables)[-1]
        vectors = context.evidence(tables[last]).embeddings()
        return {name: measurement.to_json() for name, measurement in _on_gold(frames, vectors, context).items()}

    name = f"gold{LEDGER}"
    # The very same tables, which were measured before: the night starts from what that night started from.
    same = _kept(context.cache.folder("ledger", key)) is not None
    carried = context.offered_fits(name, "in" if same else "out")
    fits = context.fits(stages.NAMES[-1], carried)
    entries = _taken_over(fits, _labels_of(tables, context), context, key, measure)
    if carried:
        enter(run, "in", name, carried)
    hand_on(run, name, fits, context.workspace)
    measured = entries.pop("measured")
    return {stage: {**entry, "measured": measured} for stage, entry in entries.items()}


def _labels_of(tables: Mapping[str, Dataset], context: Context) -> np.ndarray:
    """A digest of each row that the last table teaches or that is gold, with its labels and the tables' names."""
    frame = table.to_pandas(list(tables.values())[-1])
    keys = context.evidence(list(tables.values())[-1]).row_keys ^ np.uint64(int(store.digest(*tables)[:15], 16))
    codes = []
    for task in context.tasks:
        codes += [table.learnable_codes(frame, task), task.codes(table.gold_labels(frame, task.name))]
    return store.labeled_row_digests(keys, codes)


def _on_gold(frames: dict[str, pd.DataFrame], vectors: Any, context: Context) -> dict[str, Measurement]:
    seed, tasks = context.settings.seed, context.tasks
    measurements = ledger.measure_on_gold(frames, tasks, vectors, seed=seed)
    if "training" in frames:
        measurements["training"] = ledger.measure_model_on_gold(frames["training"], tasks, vectors, seed=seed)
    return measurements


def _train_key(before: Dataset, after: Dataset, context: Context) -> str:
    return _key(context, "train", store.digest_table(before), store.digest_table(after))


def _key(context: Context, kind: str, *digests: str) -> str:
    settings = context.settings
    tasks = [task.to_json() for task in context.tasks]
    made_by = [_code(), store.library_versions(), context.encoder.fingerprint]
    return store.digest_json([kind, made_by, tasks, settings.folds, settings.seed, *digests])


def _code() -> str:
    root = Path(__file__).parents[2]
    return store.digest_code(
        *(file for part in _CODE for file in (sorted((root / part).glob("*.py")) or [root / part]))
    )


def _kept(folder: Path) -> dict[str, Any] | None:
    """What stands under a key; None where nothing does, or what cannot be read: it is measured again."""
    try:
        entry: dict[str, Any] = store.read_json(folder / _FILE)
    except FileNotFoundError:
        return None
    except DamagedFileError:
        log.warning("cache file %s is damaged: it is measured again", folder / _FILE)
        return None
    return entry


def _carried(context: Context, key: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured under a key before, with its date; else it is measured now."""
    folder = context.cache.folder("ledger", key)
    if (kept := _kept(folder)) is not None:
        if measure is not _unknown:  # a dry run leaves no mark
            store.used(folder)
        return kept
    entry = {**measure(), "measured": datetime.now(UTC).isoformat(timespec="seconds")}
    with store.atomic(folder) as unfinished:
        unfinished.mkdir()
        store.write_json(unfinished / _FILE, entry)
    return entry
