"""Run a workspace's own code in child processes, which may loop, grow, print or die without harm to the night.

A child is forked, so that it has the functions and rows as they stand, closures and all, at once. It runs Python alone:
whatever needs the encoder it asks of its parent, and the libraries that would start threads are held to one, for a
pool of threads does not survive a fork. These guards stop accidents and not malice.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from tilth.weak_supervision.isolation import descendants, worker
from tilth.weak_supervision.isolation.limits import Done, Limits

_LOOK = 1.0
"""Seconds until a child is looked after that has ended and left its end of the pipe to a process that it started."""

Work = Callable[[], Any]
Answer = Callable[[Any], Any]


def can_fork() -> bool:
    """Whether this process may have children of the kind needed."""
    return hasattr(os, "fork") and not multiprocessing.current_process().daemon


def run(work: Sequence[Work], limits: Limits, answer: Answer | None = None) -> list[Done]:
    """Do each piece of work; one that breaks a limit or raises is named in its own place, and the others go on.

    Args:
        work: functions without arguments; what they return has to go through a pipe.
        limits: of each piece.
        answer: replies to what a piece asks through `child.ask`.

    Returns:
        One outcome a piece of work, in order.
    """
    if not (limits.isolate and can_fork()):
        return [worker.perform(one) for one in work]
    worker.pools()
    queue = _Queue(waiting=list(range(len(work))), outcomes=[None] * len(work))
    size = min(max(1, limits.processes), len(work))
    crowd = [_Child(work, limits, queue, place * len(work) // size) for place in range(size)]
    at_work = [one for one in crowd if one.next()]
    try:
        while at_work:
            left = min(one.left for one in at_work)
            connection.wait([one.pipe for one in at_work], timeout=min(max(0.0, left), _LOOK))
            at_work = [one for one in at_work if one.attend(answer)]
    finally:
        for one in crowd:
            one.end()
    return [outcome if outcome is not None else Done(error="was never run") for outcome in queue.outcomes]


@dataclass(kw_only=True)
class _Queue:
    """The pieces that nobody has begun, in order, and what became of the others."""

    waiting: list[int]
    outcomes: list[Done | None]


class _Child:
    """A child process, and the piece of work that it has in hand."""

    def __init__(self, work: Sequence[Work], limits: Limits, queue: _Queue, home: int) -> None:
        self.work, self.limits, self.queue, self.home = work, limits, queue, home
        self.piece: int | None = None
        self.served = 0.0
        self.clock = worker.Clock()
        self._start()

    def _start(self) -> None:
        self.pipe: Any
        self.pipe, far = multiprocessing.Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        fork = multiprocessing.get_context("fork")
        self.process = fork.Process(
            target=worker.main, args=(far, self.pipe, self.work, self.limits, self.clock), daemon=True
        )
        self.process.start()
        self.over = False
        far.close()

    @property
    def left(self) -> float:
        """Seconds until the step in hand has taken too long."""
        return self.limits.seconds + self.served - self.clock.running

    def next(self) -> bool:
        """Hand out the next piece, first from where this child is at home; whether there was one."""
        waiting = self.queue.waiting
        self.piece = min(waiting, key=lambda piece: (piece - self.home) % len(self.work), default=None)
        if self.piece is None:
            return False
        waiting.remove(self.piece)
        self.served = 0.0
        self.clock.begin()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died; the next look at it says so
            self.pipe.send(self.piece)
        return True

    def attend(self, answer: Answer | None) -> bool:
        """Take what the child has to say; whether it has more to do."""
        while self.pipe.poll():
            try:
                kind, content = self.pipe.recv()
            except (EOFError, OSError):
                return self._replace(self._last_words())
            if kind == "done":
                return self._done(content)
            started = time.monotonic()
            self._reply(answer, content)
            self.served += time.monotonic() - started
        if self._ended() and not self.pipe.poll():
            return self._replace(self._last_words())
        if self.left <= 0:
            return self._replace(f"still ran after {self.limits.seconds:g} seconds, its limit of time")
        return True

    def _done(self, outcome: Done) -> bool:
        if self.piece is not None:
            self.queue.outcomes[self.piece] = outcome
        return self.next()

    def _reply(self, answer: Answer | None, question: Any) -> None:
        """An answer, or the error that it ended in, which the function then meets as its own."""
        try:
            if answer is None:
                raise RuntimeError("x.similar_to is not to be had here")
            reply = (True, answer(question))
        except Exception as error:
            reply = (False, f"{type(error).__name__}: {error}")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(reply)

    def _ended(self) -> bool:
        """Whether the process has ended; it keeps its number, which is that of its group, until `end`."""
        if not hasattr(os, "waitid"):
            return not self.process.is_alive()
        try:
            return os.waitid(os.P_PID, self.process.pid or 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _last_words(self) -> str:
        """Why the process ended before its work did."""
        deadline = time.monotonic() + 5
        while not self._ended() and time.monotonic() < deadline:
            time.sleep(0.001)
        self.end()
        code = self.process.exitcode
        if code == worker.TOO_LARGE:
            return f"took more than {self.limits.megabytes} MB of memory, its limit"
        if code == worker.TOO_LONG:
            return f"used the processor for longer than {self.limits.seconds:g} seconds, its limit of time"
        return f"ended its process with {f'signal {-code}' if code is not None and code < 0 else f'status {code}'}"

    def _replace(self, why: str) -> bool:
        """Give up on the piece in hand and go on with the rest in a new process; whether there is a rest."""
        self.end()
        if self.piece is not None:
            self.queue.outcomes[self.piece] = Done(error=why, at=self.clock.step)
        if not self.queue.waiting:
            return False
        self._start()
        return self.next()

    def end(self) -> None:
        """End the process, which has nothing to lose, and all that it started."""
        if not self.over:  # before it is waited for, so that its number still is its own
            descendants.kill(self.process.pid or 0)
            self.over = True
        self.process.kill()
        self.process.join()
        self.pipe.close()
