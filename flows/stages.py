"""The tasks of a night: each names a run by its folder, performs one step of it, and passes the folder's name on."""

from __future__ import annotations

import logging
from pathlib import Path

from prefect import task

from tilth import night, reports, store
from tilth.store import Run

log = logging.getLogger(__name__)


@task(name="open night")
def open_night(run: str | None, workspace: str | None) -> str:
    """The folder of the run that was prepared, or of a fresh one for a scheduled night."""
    if run is not None:
        return run
    where = store.locate(Path(workspace) if workspace else None)
    return str(night.begin(night.Request(workspace=where)).path)


def _perform(run: str, name: str) -> str:
    entry = night.perform(Run(Path(run)), name)
    log.info("%s", night.line(entry))
    return run


@task(name="cleaning", retries=1, retry_delay_seconds=2)
def cleaning(run: str) -> str:
    """Which labels are wrong, which rows are duplicates, outliers, junk."""
    return _perform(run, "cleaning")


@task(name="weak_supervision", retries=1, retry_delay_seconds=2)
def weak_supervision(run: str) -> str:
    """Labeling functions vote; a label model turns votes into labels."""
    return _perform(run, "weak_supervision")


@task(name="augmentation", retries=1, retry_delay_seconds=2)
def augmentation(run: str) -> str:
    """Paraphrases, behind a gate that keeps the label."""
    return _perform(run, "augmentation")


@task(name="active_learning", retries=1, retry_delay_seconds=2)
def active_learning(run: str) -> str:
    """Which rows a person should look at next."""
    return _perform(run, "active_learning")


@task(name="training", retries=1, retry_delay_seconds=2)
def training(run: str) -> str:
    """The model, its gold figures and its export."""
    return _perform(run, "training")


@task(name="close night")
def close_night(run: str) -> str:
    """The record's last word, promotion, and the report; returns the report's path."""
    night.finish(Run(Path(run)))
    return str(reports.write(Path(run)))
