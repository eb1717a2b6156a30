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
from collections.abc import Iterator
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
            yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        if keeper.stdin is not None:
            keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(timeout=20)


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
    """Run the server as a child until standard input closes, then end it."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end() -> None:
        while os.read(0, 1024):
            pass
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
            return
        child.kill()

    threading.Thread(target=end, daemon=True).start()
    raise SystemExit(child.wait())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep(int(sys.argv[1]))
