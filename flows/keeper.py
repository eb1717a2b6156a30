"""Processes that end with whoever started them; run as a program, Prefect's server in the care of one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable


def _at_once() -> None:
    os._exit(1)


def end_with(gone: Callable[[], None], end: Callable[[], None] = _at_once) -> None:
    """End this process when the one that started it is gone, however it went.

    Args:
        gone: returns once it is; see `input_is_closed` and `parent_is_gone`.
        end: how, in a thread of its own.
    """

    def watch() -> None:
        gone()
        end()

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


def _keep(port: int) -> None:
    """Run the server as a child until standard input closes, then end it and all that it started."""
    # -P: a file of the current folder that is named like a module is none of Prefect's.
    command = [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    nothing = subprocess.DEVNULL
    child = subprocess.Popen(command, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)

    def end() -> None:
        input_is_closed()
        requested.set()
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # it serves from a process of its own, which may hang

    requested = threading.Event()
    watcher = threading.Thread(target=end, daemon=True)
    watcher.start()
    status = child.wait()
    if requested.is_set():
        watcher.join()
    raise SystemExit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep(int(sys.argv[1]))
