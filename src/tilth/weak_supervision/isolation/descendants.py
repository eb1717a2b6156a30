"""End a guarded process with all that it started, whatever became of the processes in between."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator

import psutil

_SET_CHILD_SUBREAPER = 36
"""Of Linux' prctl(2)."""
_ROUNDS, _PAUSE = 100, 0.01
"""One that starts processes faster than they can be killed means harm, against which there is no guard here."""


def start_session() -> None:
    """Begin a session, so that a signal reaches what this process starts, and Ctrl-C does not reach it first.

    On Linux what it starts stays below it even where it begins a session of its own and its parent ends.
    """
    os.setsid()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill(leader: int) -> None:
    """Kill all that a process has started that called `start_session`, and the process itself, if it still runs."""
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
        if not (alive := _below(number)):
            return
        _end(alive)
        time.sleep(_PAUSE)


@contextlib.contextmanager
def end_children_at_exit() -> Iterator[None]:
    """Kill with this process what it starts here; what it has started before is none of this."""
    before = _below(os.getpid())
    yield
    if started := _below(os.getpid()) - before:
        atexit.register(_end, started)


def _below(number: int) -> set[psutil.Process]:
    """The living processes that descend from one."""
    try:
        return {one for one in psutil.Process(number).children(recursive=True) if _alive(one)}
    except psutil.NoSuchProcess:
        return set()


def _end(processes: Iterable[psutil.Process]) -> None:
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            one.kill()


def _alive(one: psutil.Process) -> bool:
    try:
        return bool(one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
