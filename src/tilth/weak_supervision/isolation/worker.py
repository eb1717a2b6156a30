"""The side of a child process: do the work given, report how it went, and end when the parent does."""

from __future__ import annotations

import contextlib
import gc
import io
import mmap
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tilth.threads import thread_pools
from tilth.weak_supervision.isolation import descendants
from tilth.weak_supervision.isolation.limits import Limits, Outcome

TOO_LARGE, TOO_LONG, ORPHANED = 77, 78, 79
_PERIOD = 0.05
"""Seconds between two looks at the memory."""
_SHOWN = 200
"""Characters of what was printed that are reported."""

_SHAPE = struct.Struct("qd")
_NO_STEP = -1

_pipe: Any = None
_clock: Clock | None = None
_seconds = 0.0
"""That a step may take."""
_waited = 0.0
"""Seconds that the parent took to answer; they are no fault of the work's."""


def ask_parent(question: Any) -> Any:
    """Have the parent answer; without a parent, that is in the night's own process, this may not be called."""
    global _waited  # noqa: PLW0603 - of this process alone
    started = time.perf_counter()
    _pipe.send(("ask", question))
    good, answer = _pipe.recv()
    _waited += time.perf_counter() - started
    if not good:
        raise RuntimeError(answer)
    return answer


class Clock:
    """Which step a child is at and for how long, in memory that it shares with its parent: no call, no message."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _SHAPE.size)
        self._spent: dict[int, float] = {}
        self.begin()

    def begin(self) -> None:
        """A new piece, of no step yet."""
        self._spent = {}
        _SHAPE.pack_into(self._shared, 0, _NO_STEP, time.monotonic())

    def to(self, step: int) -> None:
        """Go on with a step, which may have had some time already."""
        last, start = _SHAPE.unpack_from(self._shared, 0)
        now = time.monotonic()
        self._spent[last] = now - start
        # As if the step had begun so much earlier as it has had time.
        _SHAPE.pack_into(self._shared, 0, step, now - self._spent.get(step, 0.0))

    @property
    def step(self) -> int | None:
        """The step at hand, where one was named."""
        step: int = _SHAPE.unpack_from(self._shared, 0)[0]
        return None if step == _NO_STEP else step

    @property
    def running(self) -> float:
        """Seconds that the step has had in all."""
        return time.monotonic() - float(_SHAPE.unpack_from(self._shared, 0)[1])


def enter_step(step: int) -> None:
    """Name the step that comes next, so that the parent knows which one ended this process, if one does."""
    if _clock is not None:
        _clock.to(step)
        _allow()


def in_guarded_process() -> bool:
    """Whether this process is one of the guarded children."""
    return _pipe is not None


def main(pipe: Any, other_end: Any, work: Sequence[Callable[[], Any]], limits: Limits, clock: Clock) -> None:
    """Do the pieces of work that the parent names; never returns to the code that was forked."""
    global _pipe, _clock, _seconds
    other_end.close()  # so that the parent's end is held by the parent alone
    _pipe, _clock, _seconds = pipe, clock, limits.seconds
    _settle(limits)
    # Nothing of the parent's may run at the end of this process: no exit handlers, no buffers, no threads to wait for.
    with contextlib.suppress(EOFError, OSError):
        while True:
            piece = work[pipe.recv()]
            clock.begin()
            _allow()
            pipe.send(("done", run_captured(piece)))
    os._exit(ORPHANED)


def run_captured(piece: Callable[[], Any]) -> Outcome:
    """Do one piece of work, with what it prints held back."""
    started, waited, process = time.perf_counter(), _waited, os.getpid()
    value, error = None, ""
    with contextlib.redirect_stdout(_Start()) as text:
        try:
            value = piece()
        except KeyboardInterrupt:
            raise
        except ValueError as raised:  # a reason in words, by tilth's own code
            error = str(raised)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
    if os.getpid() != process:  # a copy that the work forked and left to go on
        os._exit(0)
    return Outcome(
        value=value, error=error, printed=text.start, seconds=time.perf_counter() - started - (_waited - waited)
    )


class _Start(io.TextIOBase):
    """A text stream that remembers how what was written starts and lets go of the rest."""

    start = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.start) < _SHOWN:
            self.start = (self.start + text)[:_SHOWN]
        return len(text)


def _settle(limits: Limits) -> None:
    """Make the forked process a quiet one with one thread, limits, and no tie to what its parent was doing."""
    descendants.start_session()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    gc.freeze()  # what the parent made is not looked at, and so not copied, page by page
    gc.set_threshold(100_000)  # a block of rows is no reason for a round
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if (pools := thread_pools()) is not None:
        pools.limit(limits=1)
    _limit(limits.megabytes)
    threading.Thread(target=_watch, args=(os.getppid(), limits.megabytes), daemon=True).start()


def _allow() -> None:
    """Let the next step compute for its own time and a minute: its parent, unless gone, watches the clock."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(time.process_time() + _seconds) + 60
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _limit(megabytes: int) -> None:
    """The system's own limits, which hold where no thread of ours comes to its turn, inside one long C call."""
    import resource

    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TOO_LONG))
    _allow()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            now = next(int(line.split()[1]) for line in lines if line.startswith("VmData:"))  # in kilobytes
            most = (now + megabytes * 1024) * 1024
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _watch(parent: int, megabytes: int) -> None:
    """End the process when it has grown too large or its parent is gone."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    while True:
        time.sleep(_PERIOD)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - first > megabytes * 1024 * 1024:
            with contextlib.suppress(Exception):  # what has no memory left for this ends with its group
                descendants.kill_below(os.getpid())
            os._exit(TOO_LARGE)
        if os.getppid() != parent:
            descendants.kill_own()
