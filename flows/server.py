"""Prefect's own server on this machine, with SQLite, started and reaped by whoever needs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 120
"""Seconds that a server may take to answer; it takes some ten on two cores."""


@contextlib.contextmanager
def running(home: Path) -> Iterator[str]:
    """The address of a Prefect API: the configured one, or that of a local server that lives as long as the block."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if configured := os.environ.get("PREFECT_API_URL"):
        yield configured
        return
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    home.mkdir(parents=True, exist_ok=True)
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "WARNING"),
    }
    keeper = subprocess.Popen(
        [sys.executable, __file__, str(port)],
        env={**os.environ, **own},
        stdin=subprocess.PIPE,  # the keeper ends its server when this closes, even if we are killed
        start_new_session=True,
    )
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, PREFECT_LOGGING_LEVEL, temporary_settings

    try:
        _wait(url, keeper)
        settings = {PREFECT_API_URL: url, PREFECT_HOME: home, PREFECT_LOGGING_LEVEL: own["PREFECT_LOGGING_LEVEL"]}
        with temporary_settings(settings):
            os.environ.update({**own, "PREFECT_API_URL": url})  # for the processes that a schedule starts
            try:
                yield url
            finally:
                _drain()
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        if keeper.stdin is not None:
            keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(timeout=20)


def _drain() -> None:
    """Send what Prefect still has to tell the server: once that is gone, it would try again for minutes."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


def end_with(gone: Callable[[], None]) -> None:
    """End this process when the one that started it is gone, however it went.

    Args:
        gone: returns once it is; see `input_is_closed` and `parent_is_gone`.
    """

    def watch() -> None:
        gone()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def input_is_closed() -> None:
    """Wait until the other end of our standard input closes."""
    while os.read(0, 1024):
        pass


def parent_is_gone() -> None:
    """Wait until another process has to adopt us."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if keeper.poll() is not None:
            raise RuntimeError(f"Prefect's server ended with status {keeper.returncode}; try: prefect server start")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"Prefect's server did not answer at {url} within {PATIENCE} s; try: prefect server start")


def _keep(port: int) -> None:
    """Run the server as a child until standard input closes, then end it and all that it started."""
    # -P: a file of the current folder that is named like a module is none of Prefect's.
    command = [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    nothing = subprocess.DEVNULL
    child = subprocess.Popen(command, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)

    def end() -> None:
        input_is_closed()
        asked.set()
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # it serves from a process of its own, which may hang

    asked = threading.Event()
    watcher = threading.Thread(target=end, daemon=True)
    watcher.start()
    status = child.wait()
    if asked.is_set():
        watcher.join()
    raise SystemExit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep(int(sys.argv[1]))
