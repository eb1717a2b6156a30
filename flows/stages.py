"""The tasks of a night: each names a run by its folder, performs one step of it, and passes the folder's name on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prefect import task

from tilth import night, reports, store
from tilth.cli import terminal
from tilth.errors import TilthError
from tilth.store import Run

# Below "tilth", so that the lines reach the page of Prefect as tilth's own messages do.
log = logging.getLogger("tilth.flows")


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a second try may help: not where tilth itself said what is wrong."""
    error = state.result(raise_on_failure=False)
    return not isinstance(getattr(error, "__cause__", None) or error, TilthError)


stage: Callable[..., Any] = task(retries=1, retry_delay_seconds=2, retry_condition_fn=_may_pass)


@contextlib.contextmanager
def recorded(run: str) -> Iterator[None]:
    """Whatever ends a night early is written into its record."""
    try:
        yield
    except Exception as error:
        night.fail(Run(Path(run)), error)
        raise


@task(name="open night")
def open_night(run: str | None, workspace: str | None) -> str:
    """The folder of the run that was prepared, or of a fresh one for a scheduled night."""
    if run is not None:
        return run
    where = store.locate(Path(workspace) if workspace else None)
    return str(night.begin(night.Request(workspace=where)).path)


def _perform(run: str, name: str) -> str:
    with terminal.working(name):
        entry = night.perform(Run(Path(run)), name)
    told = night.line(entry)
    terminal.tell(told)
    log.info("%s", told)
    return run


@stage
def cleaning(run: str) -> str:
    """Which labels are wrong, which rows are duplicates, outliers, junk."""
    return _perform(run, "cleaning")


@stage
def weak_supervision(run: str) -> str:
    """Labeling functions vote; a label model turns votes into labels."""
    return _perform(run, "weak_supervision")


@stage
def augmentation(run: str) -> str:
    """Paraphrases, behind a gate that keeps the label."""
    return _perform(run, "augmentation")


@stage
def active_learning(run: str) -> str:
    """Which rows a person should look at next."""
    return _perform(run, "active_learning")


@stage
def training(run: str) -> str:
    """The model, its gold figures and its export."""
    return _perform(run, "training")


@task(name="close night")
def close_night(run: str) -> str:
    """The record's last word, the report and, last of all, promotion; returns the report's path."""
    with terminal.working("closing"):
        night.finish(Run(Path(run)))
        report = reports.write(Path(run))
        night.promote(Run(Path(run)))
    return str(report)
