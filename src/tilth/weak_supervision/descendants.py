"""End a guarded process with all that it started, whatever became of the processes in between."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time

import psutil

_SET_CHILD_SUBREAPER = 36
"""Of Linux' prctl(2)."""
_ROUNDS, _PAUSE = 100, 0.01
"""One that starts processes faster than they can be killed means harm, against which there is no guard here."""


def lead() -> None:
    """Begin a session, so that a signal reaches what this process starts, and Ctrl-C does not reach it first.

    On Linux what it starts stays below it even where it begins a session of its own and its parent ends.
    """
    os.setsid()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill(leader: int) -> None:
    """Kill all that a process has started that called `lead`, and the process itself, if it still runs."""
    _signal(leader, signal.SIGSTOP)  # so that it does not start more meanwhile
    kill_below(leader)
    _signal(leader, signal.SIGKILL)


def kill_own() -> None:
    """Kill all that this process has started, and the process itself."""
    kill_below(os.getpid())
    _signal(os.getpgrp(), signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # none is left, or none but dead ones
        os.killpg(group, number)


def kill_below(number: int) -> None:
    """Kill all that descends from a process."""
    for _ in range(_ROUNDS):
        try:
            below = psutil.Process(number).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        alive = [one for one in below if _alive(one)]
        if not alive:
            return
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                one.kill()
        time.sleep(_PAUSE)


def _alive(one: psutil.Process) -> bool:
    try:
        return bool(one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
