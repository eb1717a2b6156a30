"""The night, one line a stage. `tilth run` starts this file in a process of its own; `tilth serve` schedules it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that a scheduled run finds its neighbors by path too

from prefect import flow

import server
import stages
from tilth import night, store
from tilth.cli import terminal
from tilth.store import Run


@flow(name="nightly")
def nightly(run: str | None = None, workspace: str | None = None) -> str:
    """One whole night; returns the path of its report.

    Args:
        run: the folder of a run that `tilth run` has prepared; without it a fresh one is opened.
        workspace: the `tilth.toml` of the workspace; without it, the one above the current folder.
    """
    terminal.quiet()
    if run is None:
        server.end_with(server.parent_is_gone)
    # A prepared run is prepared, and watched over, by a process that holds the workspace's lock.
    held = contextlib.nullcontext() if run else store.locate(Path(workspace) if workspace else None).lock()
    with held:
        folder = stages.open_night(run, workspace)
        with stages.recorded(folder):
            folder = stages.cleaning(folder)
            folder = stages.weak_supervision(folder)
            folder = stages.augmentation(folder)
            folder = stages.active_learning(folder)
            folder = stages.training(folder)
            return stages.close_night(folder)


def main() -> int:
    """Run one prepared night under a Prefect server of its own, or under the one that is configured."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="the run's folder")
    parser.add_argument("--data", required=True, type=Path, help="the workspace's data folder")
    arguments = parser.parse_args()
    server.end_with(server.input_is_closed)
    terminal.quiet()
    try:
        with server.running(arguments.data / "prefect"):
            nightly(run=arguments.run)
    except Exception as error:  # whatever it was, the record says it, and the process that started us tells it
        night.fail(Run(Path(arguments.run)), error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
