"""Close a night: the record's last word, and whether it becomes the latest."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tilth import stage as stages
from tilth import store
from tilth.errors import StageError, TilthError
from tilth.night.context import Context
from tilth.store import Run, retention


def finish(run: Run) -> dict[str, Any]:
    """Close a night's record: its gold figures, and whether it deserves to be the latest; see `promote`."""
    record = run.record
    training = next((item for item in record["stages"] if item["name"] == "training"), None)
    metrics = training["metrics"] if training else {}
    gold = {"rows": metrics.get("gold_rows", 0), **metrics["gold"]} if metrics.get("gold") else None
    model = "model" if (run.path / "model").exists() else None
    figures = {"gold": gold, "cross_validated": metrics.get("cross_validated")}
    promoted, why = _promotion({**record, **figures, "model": model}, store.latest(run.path.parent))
    return run.finish("completed", **figures, model=model, promoted=promoted, promotion=why)


def promote(run: Run) -> None:
    """Make a finished night the latest where its record says so; the last thing that a night does.

    With `[store] auto_clean`, what is kept no longer is removed then; the night still holds the workspace's lock.
    """
    record = run.record
    if record["promoted"]:
        run.promote()
    context = Context(record)
    if context.settings.store.auto_clean:
        workspace = replace(context.workspace, runs=run.path.parent)
        run.update(cleaned_up=retention.clean(workspace, context.settings.store).to_json())


def fail(run: Run, error: BaseException) -> None:
    """Close a night that did not reach its end, with the stage and the traceback for who looks into it."""
    record = run.record
    if record["status"] == "failed":  # told already, nearer to where it happened
        return
    done = {item["name"] for item in record["stages"]}
    at = next((name for name in stages.NAMES if name not in done), None) if isinstance(error, StageError) else None
    told = "".join(traceback.format_exception(error.__cause__ or error))
    message = str(error) if isinstance(error, TilthError) else f"{type(error).__name__}: {error}"
    run.finish("failed", error=message, failed={"stage": at, "traceback": told}, promoted=False)


def _promotion(record: Mapping[str, Any], before: Run | None) -> tuple[bool, str]:
    if set(record["asked"]) != set(stages.NAMES):
        return False, f"a partial night ({', '.join(record['asked'])}) is never promoted"
    old = before.record if before else None
    if old is None:
        return True, "nothing to compare it with"
    if record["model"] is None and old["model"] is not None:
        return False, f"no model came out of it, and run {old['run_id']} has one"
    kind = "gold" if record["gold"] else "cross_validated"
    now, then = _mean_f1(record[kind]), _mean_f1(old.get(kind))
    if now is None or then is None or _measured_on(record) != _measured_on(old):
        return True, "nothing to compare it with"
    tolerance = record["config"]["promotion"]["tolerance"]
    verdict = f"{kind} macro-F1 {now:.3f} against {then:.3f} of run {old['run_id']}"
    return now >= then - tolerance, verdict


def _measured_on(record: Mapping[str, Any]) -> list[Any]:
    """What makes the figures of two nights comparable: the same gold and the same tasks."""
    gold = [item["sha256"] for item in record["inputs"] if item["split"] == "gold"]
    return [gold, record["config"]["data"]["gold_fraction"], [task["name"] for task in record["tasks"]]]


def _mean_f1(metrics: Mapping[str, Any] | None) -> float | None:
    values = [value["macro_f1"] for value in (metrics or {}).values() if isinstance(value, Mapping)]
    return sum(values) / len(values) if values else None
