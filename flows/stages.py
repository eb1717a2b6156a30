"""The tasks of a night: each names a run by its folder, performs one step of it, and passes the folder's name on."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from tilth import night, reports, store
from tilth.cli import terminal
from tilth.errors import TilthError
from tilth.store import Run, Workspace

# Below "tilth", so that the lines reach the page of Prefect as tilth's own messages do.
log = logging.getLogger("tilth.flows")


class Step(Task):
    """A task of Prefect's; outside a flow run of Prefect's a plain call of the same function, tried as often.

    A task asks a server at each turn, and where none is configured Prefect starts one: see `nightly.main`.
    """

    def __call__(self, run: str) -> str:
        """The folder of the run, or what the step makes of it."""
        if FlowRunContext.get() is not None:
            return str(super().__call__(run))
        for _ in range(self.retries):
            try:
                return str(self.fn(run))
            except Exception as error:
                if not _may_pass(error):
                    raise
                log.info("%s is tried again", self.name, exc_info=True)
                time.sleep(float(self.retry_delay_seconds))
        return str(self.fn(run))


def _may_pass(error: Any) -> bool:
    """Whether a second try may help: not where tilth itself said what is wrong."""
    return not isinstance(getattr(error, "__cause__", None) or error, TilthError)


stage: Callable[..., Any] = functools.partial(
    Step,
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=lambda _task, _run, state: _may_pass(state.result(raise_on_failure=False)),
)


@contextlib.contextmanager
def recorded(run: str) -> Iterator[None]:
    """Whatever ends a night early is written into its record."""
    try:
        yield
    except Exception as error:
        night.fail(Run(Path(run)), error)
        raise


@contextlib.contextmanager
def told(workspace: Workspace) -> Iterator[None]:
    """Whatever keeps a scheduled night from its beginning is told to who asked to hear of failed ones."""
    try:
        yield
    except Exception as error:
        if workspace.config is not None:
            night.notify_unopened(workspace.config, error)
        raise


@functools.partial(Step, name="open night")
def open_night(config: str) -> str:
    """The folder of a fresh run in the workspace of that `tilth.toml`."""
    return str(night.begin(night.Request(workspace=store.locate(Path(config)))).path)


def _perform(run: str, name: str) -> str:
    with terminal.working(name):
        entry = night.perform(Run(Path(run)), name)
    sentence = night.line(entry)
    terminal.tell(sentence)
    log.info("%s", sentence)
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


@functools.partial(Step, name="close night")
def close_night(run: str) -> str:
    """The record's last word, the report, the cards and, last of all, promotion; returns the report's path."""
    with terminal.working("closing"):
        night.finish(Run(Path(run)))
        report = reports.write(Path(run))
        reports.write_cards(Path(run))
        if FlowRunContext.get() is not None:
            _show_on_page(run)
        night.promote(Run(Path(run)))
    return str(report)


def _show_on_page(run: str) -> None:
    """The verdict and the link to the report, on the page of the flow run; a night does not fail for it."""
    try:
        create_markdown_artifact(reports.night_summary(Path(run)), key="night", description=f"night {Path(run).name}")
    except Exception as error:  # of any kind: the server is another program
        log.warning("Prefect's page does not show the verdict: %s: %s", type(error).__name__, error)
