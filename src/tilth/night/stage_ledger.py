"""The ledger of a night: what each stage bought, measured anew only where what it measures has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset

from tilth import ledger, store
from tilth import samples as table
from tilth import stage as stages
from tilth.errors import DamagedFileError
from tilth.ledger import Measurement, Verdict, not_measured
from tilth.night.context import Context
from tilth.store import Run

log = logging.getLogger(__name__)

_FILE = "measured.json"
_CODE = ("ledger", "learn/linear_probe.py", "learn/model_comparison.py", "learn/metrics.py", "samples")


def measure_stage(name: str, before: Dataset, after: Dataset, context: Context) -> dict[str, Any]:
    """Whether a stage helps or harms on train rows, by cross-validation; see `tilth.ledger.measure_on_train_rows`.

    Args:
        name: the stage.
        before: the table that it was handed.
        after: the table that it handed on.
        context: of the night.

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

    entry = _carried(context, _train_key(before, after, context), measure)
    return {**entry, "left_out": entry["verdict"] == Verdict.HARMS}


def left_out_by_now(name: str, before: Dataset, after: Dataset, context: Context) -> bool | None:
    """Whether `measure_stage` leaves a stage out, as far as that is known without measuring; None where it is not."""
    if name not in ledger.MEASURED or context.settings.stage_when(name) != "auto":
        return False
    kept = _kept(context.cache.folder("ledger", _train_key(before, after, context)))
    return None if kept is None else kept["verdict"] == Verdict.HARMS


def left_out_because(name: str, entry: dict[str, Any]) -> str:
    """Why a stage is left out, for the terminal and the report."""
    by_agreed = entry["interval"][1] < 0
    shown = entry if by_agreed else entry["by_given"]
    labels = "labels that it leaves as they are" if by_agreed else "labels as they were given"
    low, high = shown["interval"]
    return (
        f"left out of what follows, for it harms: a linear probe scores {shown['with']:.3f} with it and "
        f"{shown['without']:.3f} without, on {shown['rows']} train rows that it did not learn from, by the {labels} "
        f'(difference {shown["difference"]:+.3f}, 95% interval {low:+.3f} to {high:+.3f}); {name}.when = "always" '
        "keeps it"
    )


def gold_ledger(run: Run, context: Context) -> dict[str, Any]:
    """What each stage bought on gold rows, by stage, as it stands in `run.json` under `ledger.gold`."""
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

    entries = _carried(context, key, measure)
    measured = entries.pop("measured")
    return {name: {**entry, "measured": measured} for name, entry in entries.items()}


def _on_gold(frames: dict[str, pd.DataFrame], vectors: Any, context: Context) -> dict[str, Measurement]:
    seed, tasks = context.settings.seed, context.tasks
    measurements = ledger.measure_on_gold(frames, tasks, vectors, seed=seed)
    if "training" in frames:
        measurements["training"] = ledger.measure_model_on_gold(frames["training"], tasks, vectors, seed=seed)
    return measurements


def _train_key(before: Dataset, after: Dataset, context: Context) -> str:
    return _key(context, "train", store.digest_table(before), store.digest_table(after))


def _key(context: Context, kind: str, *digests: str) -> str:
    root = Path(__file__).parents[1]
    files = [file for part in _CODE for file in (sorted((root / part).glob("*.py")) or [root / part])]
    settings = context.settings
    tasks = [task.to_json() for task in context.tasks]
    made_by = [store.digest_code(*files), store.library_versions(), context.encoder.fingerprint]
    return store.digest_json([kind, made_by, tasks, settings.folds, settings.seed, *digests])


def _kept(folder: Path) -> dict[str, Any] | None:
    """What stands under a key; None where nothing does, or what cannot be read: it is measured again."""
    try:
        entry: dict[str, Any] = store.read_json(folder / _FILE)
    except FileNotFoundError:
        return None
    except DamagedFileError as error:
        log.warning("%s: it is measured again", error)
        return None
    return entry


def _carried(context: Context, key: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured under a key before, with its date; else it is measured now."""
    folder = context.cache.folder("ledger", key)
    if (kept := _kept(folder)) is not None:
        store.used(folder)
        return kept
    entry = {**measure(), "measured": datetime.now(UTC).isoformat(timespec="seconds")}
    with store.atomic(folder) as unfinished:
        unfinished.mkdir()
        store.write_json(unfinished / _FILE, entry)
    return entry
