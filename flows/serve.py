"""Nights on a schedule: a deployment that Prefect fires, with a local server where none is configured."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent))

import httpx
from filelock import FileLock, Timeout
from prefect.runner import Runner
from prefect.schedules import Schedule
from prefect.states import Cancelled

import keeper
import nightly
import scheduled
import server
from tilth import store
from tilth.cli import terminal
from tilth.errors import RequestError, TilthError


def main() -> int:
    """Serve the nightly flow until stopped; returns 2 where the request is wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cron", required=True, help='for example "0 2 * * *"')
    parser.add_argument("--config", required=True, type=Path, help="the workspace's tilth.toml")
    parser.add_argument("--timezone", help="of the schedule; default: this machine's")
    parser.add_argument("--port", type=int, help="of the local server's page")
    arguments = parser.parse_args()
    keeper.end_with(keeper.input_is_closed, STOP)
    terminal.quiet()
    # Scheduled nights find their workspace here, and not in what someone may tell the server.
    os.environ[nightly.WORKSPACE] = str(arguments.config)
    home = arguments.config.parent / "data" / "prefect"
    try:
        times = scheduled.wanted(arguments.cron, arguments.timezone)
        with _held(home), server.running(home, arguments.port) as running:
            _serve(times, running, arguments.config)
    except TilthError as error:
        sys.stderr.write(f"tilth: {error}\n")
        return error.exit_status
    return 0


@contextlib.contextmanager
def _held(home: Path) -> Iterator[None]:
    """Hold a workspace's schedule for one `tilth serve`."""
    lock = FileLock(home / ".lock", timeout=0)
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RequestError(f"another tilth serve is at work in {home.parents[1]}; stop it first") from None
    except OSError as error:
        raise RequestError(f"nothing can be written in {home} ({error.strerror}); make it writable") from None
    try:
        yield
    finally:
        lock.release()


def _serve(times: Schedule, running: server.Server, config: Path) -> None:
    """Fire nights until it is to stop; then end those that are at work, and mark them."""
    # One night at a time, as the workspace's lock has it; and our schedule is to be there when we start again, where
    # Prefect pauses it with its runner.
    runner = Runner(name="tilth", limit=1, pause_on_shutdown=False)
    name = scheduled.deployment(config, own=running.secret is not None)
    again = scheduled.stands(name, times)
    deployment = UUID(str(runner.add_flow(nightly.nightly, name=name, schedule=times)))
    scheduled.settle(deployment, make_up=again)
    terminal.say(f"nights at {times.cron}, {times.timezone} time; their page: {running.page}; stop with Ctrl-C")
    if running.secret is not None:
        terminal.say(f"the page, and whoever else asks this server, needs the line in {running.secret}")
    try:
        STOP.run(runner)
    finally:
        with contextlib.suppress(httpx.HTTPError):  # the server may have been told to end as we were
            scheduled.mark(deployment, Cancelled(message="tilth serve was stopped"))
        with contextlib.suppress(TilthError), store.locate(config).lock():  # which closes the record of a night cut off
            pass


class _Stop:
    """Ends a runner with all that it started, whatever it is about; may be told to in any thread, or by a signal."""

    def __init__(self) -> None:
        self._stop: Callable[[], object] | None = None

    def __call__(self, *_signal: object) -> None:
        """Be told to end: before there is a runner nothing is at work that would have to be put in order."""
        if self._stop is None:
            os._exit(1)
        logging.disable()  # what is cut off has nothing to say of it
        self._stop()

    def run(self, runner: Runner) -> None:
        """Prefect's runner, until it is to stop."""
        asyncio.run(self._until_stopped(runner))

    async def _until_stopped(self, runner: Runner) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        runner.handle_sigterm = self  # its own waits, in the signal's handler, for the very loop that it interrupts
        work, waiting = asyncio.ensure_future(runner.start()), asyncio.ensure_future(stopping.wait())
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            waiting.cancel()
            await work
        work.cancel()
        while not work.done():  # it waits for its nights, and may be about to start one more
            for process in multiprocessing.active_children():
                process.kill()
            await asyncio.wait([work], timeout=0.1)


STOP = _Stop()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, STOP)
    raise SystemExit(main())
