"""The night, one line a stage. `tilth run` starts this file in a process of its own; `tilth serve` schedules it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that a scheduled run finds its neighbors by path too

from prefect import flow
from prefect.context import FlowRunContext

import engine
import keeper
import scheduled
import server
import stages
from tilth import night, store
from tilth.cli import terminal
from tilth.store import Run, Workspace

WORKSPACE = "TILTH_WORKSPACE"
"""The variable that holds the `tilth.toml` of scheduled nights."""


def whole(run: str) -> str:
    """One whole night of a run that stands open, by its folder; returns the path of its report."""
    with stages.recorded(run), engine.running(run):
        run = stages.cleaning(run)
        run = stages.weak_supervision(run)
        run = stages.augmentation(run)
        run = stages.active_learning(run)
        run = stages.training(run)
        return stages.close_night(run)


@flow(name="nightly")
def nightly() -> str:
    """A scheduled night of one workspace: that of `TILTH_WORKSPACE`, else that of this file or the current folder.

    It takes no parameter: a workspace's labeling functions are code, and who may start a run on Prefect's page may
    not choose what it runs.
    """
    terminal.quiet()
    keeper.end_with(keeper.parent_is_gone)
    _make_up_for_missed()
    workspace = served_workspace()
    with contextlib.ExitStack() as held:
        with stages.told(workspace):
            held.enter_context(workspace.lock())
            run = stages.open_night(str(workspace.config))
        return whole(run)


def _make_up_for_missed() -> None:
    """Take off what became due while the machine slept or another night ran: this night is all of them."""
    context = FlowRunContext.get()
    deployment = context.flow_run.deployment_id if context is not None and context.flow_run is not None else None
    if deployment is not None and (count := scheduled.drop_missed(deployment)):
        terminal.say(f"missed: {count} more {'night' if count == 1 else 'nights'}, which this one makes up for")


def served_workspace() -> Workspace:
    """The workspace of a scheduled run: that of `TILTH_WORKSPACE`, else that of this file or the current folder."""
    own = Path(__file__).resolve().parents[1] / store.workspace.CONFIG
    named = os.environ.get(WORKSPACE)
    return store.locate(Path(named) if named else own if own.is_file() else None)


def main() -> int:
    """Run one prepared night, which its starter watches over under the workspace's lock.

    Where PREFECT_API_URL names a server, the night is a flow run there. Elsewhere it is plain calls: a flow run needs
    a server, and one for each night costs (two cores, Prefect 3.8) 10 to 16 s before the first stage, whether it is
    ours or the one of Prefect's ephemeral mode, which `kill -9` leaves behind; its pages are gone with the night.
    `run.json` is the record either way.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="the run's folder")
    run = parser.parse_args().run
    keeper.end_with(keeper.input_is_closed)
    terminal.quiet()
    try:
        if server.configured():
            with server.reported():
                flow(name="nightly")(whole)(run)
        else:
            whole(run)
    except Exception as error:  # whatever it was, the record says it, and the process that started us tells it
        night.fail(Run(Path(run)), error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
