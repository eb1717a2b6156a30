"""Close a night: the record's last word, and whether it becomes the latest."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tilth import reports
from tilth import stage as stages
from tilth.errors import StageError, TilthError, error_in_words
from tilth.io import send_nights
from tilth.night.closing.notification import notify
from tilth.night.closing.promotion import decide
from tilth.night.stages import MAP, Context, gold_ledger, hand_on
from tilth.store import Fits, Run, Workspace, clean_workspace, stage_metrics

log = logging.getLogger(__name__)


def finish(run: Run) -> dict[str, Any]:
    """Close a night's record: its gold figures, and whether it is to be the latest (see `promotion.py`).

    The map's texts are placed beside that, by another core: it takes seconds of one, and nothing here rests on it.
    """
    with ThreadPoolExecutor(1) as beside:
        placed = beside.submit(_place_texts, run)
        _close_record(run)
    _carry_map(run, placed)
    return _measure(run)


def _close_record(run: Run) -> None:
    record = run.record
    metrics = stage_metrics(record, "training")
    gold = {"rows": metrics.get("gold_rows", 0), **metrics["gold"]} if metrics.get("gold") else None
    model = "model" if (run.path / "model").exists() else None
    figures = {"gold": gold, "cross_validated": metrics.get("cross_validated")}
    decision = decide(run, {**record, **figures, "model": model})
    record_of_promotion = {"promoted": decision.promoted, "promotion": decision.why, "comparison": decision.comparison}
    kept = record.get("ledger") or {}
    run.finish("completed", **figures, model=model, **record_of_promotion, ledger={**kept, "gold": _gold_ledger(run)})


def _place_texts(run: Run) -> Fits:
    """Place the texts of the report's map, as the night before had them where few have changed."""
    record = run.record
    context = Context(record)
    carried = context.offered_fits(MAP, "out")
    fits = Fits(
        carried=context.workspace.state / carried if carried else None,
        share=context.settings.night.refit_share,
        date=record["started"],
        cache=context.cache,
    )
    reports.fit_map(run.path, fits)
    return fits


def _carry_map(run: Run, placed: Future[Fits]) -> None:
    """Hand the places of the texts on to the next night."""
    with _night_stays_whole("the map's places are not carried", logging.INFO):  # the page says itself why it has no map
        hand_on(run, MAP, placed.result(), Context(run.record).workspace)


def _gold_ledger(run: Run) -> dict[str, Any] | None:
    """What each stage bought on gold, for the reader, once all is decided; None where it cannot be measured."""
    with _night_stays_whole("what each stage bought on gold cannot be measured"):
        return gold_ledger(run, Context(run.record))
    return None


def _measure(run: Run) -> dict[str, Any]:
    """Keep what later nights are to be held against: see `tilth.reports.night_measures`."""
    with _night_stays_whole("what is usual here cannot be learned from this night"):  # earlier runs may be edited
        return run.update(measures=reports.night_measures(run))
    return run.record


def promote(run: Run) -> None:
    """Make a finished night the latest where its record says so; the last thing that a night does.

    With `[store] address` it is copied there, before with `[store] auto_clean` what is kept no longer is removed; the
    night still holds the workspace's lock.
    """
    record = run.record
    if record["promoted"]:
        run.promote()
    _write_index(run)
    context = Context(record)
    workspace = replace(context.workspace, runs=run.path.parent)
    if context.settings.store.address is not None:
        _mirror(run, workspace, context.settings.store.address)
    if context.settings.store.auto_clean:
        try:
            run.update(cleaned_up=clean_workspace(workspace, context.settings.store).to_json())
        except (OSError, TilthError) as error:  # the night itself is whole
            log.warning("[store] auto_clean removed only a part: %s; see: tilth clean --dry-run", error)
    notify(run)


def _mirror(run: Run, workspace: Workspace, address: str) -> None:
    """Copy this night, and those that could not be copied before, to the address of the store."""
    try:
        sent, error = send_nights(workspace, address), None
    except (OSError, TilthError) as failure:  # the night itself is whole
        sent, error = [], str(failure)
        log.warning("%s; %s holds the night, and the next one copies it too", error, run.path)
    run.update(mirrored={"address": address, "nights": sent, "error": error})


def fail(run: Run, error: BaseException) -> None:
    """Close a night that did not reach its end, with the stage and the traceback for who looks into it."""
    record = run.record
    if record["status"] == "failed":  # reported already, nearer to where it happened
        return
    done = {item["name"] for item in record["stages"]}
    at = next((name for name in stages.NAMES if name not in done), None) if isinstance(error, StageError) else None
    trace = "".join(traceback.format_exception(error.__cause__ or error))
    run.finish("failed", error=error_in_words(error), failed={"stage": at, "traceback": trace}, promoted=False)
    _write_index(run)
    notify(run)


def _write_index(run: Run) -> None:
    """Write the page over all nights anew."""
    with _night_stays_whole("the page over all nights was not written"):
        reports.write_index(run.path.parent)


@contextmanager
def _night_stays_whole(trouble: str, level: int = logging.WARNING) -> Iterator[None]:
    """Log whatever error ends the block: what it does is no part of the night itself."""
    try:
        yield
    except Exception as error:  # of any kind
        log.log(level, "%s: %s: %s", trouble, type(error).__name__, error)
