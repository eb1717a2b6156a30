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

from tilth.threads import thread_pools
from tilth.weak_supervision.isolation import descendants, worker
from tilth.weak_supervision.isolation.limits import Limits, Outcome

_LOOK = 1.0
"""Seconds until a child is looked after that has ended and left its end of the pipe to a process that it started."""

Work = Callable[[], Any]
AnswerFunction = Callable[[Any], Any]

_FORK_SETTING = "OBJC_DISABLE_INITIALIZE_FORK_SAFETY"
"""Without it macOS ends a forked process that uses one of its frameworks; `tilth run` sets it for a night's process."""


def why_not_isolated() -> str:
    """Why this process may have no guarded children, or "" where it may."""
    if not hasattr(os, "fork"):
        return f"guarded processes are forked, which this system ({sys.platform}) cannot do"
    if sys.platform == "darwin" and os.environ.get(_FORK_SETTING) != "YES":
        return f"macOS may end a forked process; to have guarded ones, set {_FORK_SETTING}=YES before Python starts"
    if multiprocessing.current_process().daemon:
        return "this process is a daemon of multiprocessing, which may have no children"
    return ""


def run_guarded(work: Sequence[Work], limits: Limits, answer: AnswerFunction | None = None) -> list[Outcome]:
    """Do each piece of work; one that breaks a limit or raises is named in its own place, and the others go on.

    Where this process may have no guarded children, the work is done in this process, without limits.

    Args:
        work: functions without arguments; what they return has to go through a pipe.
        limits: of each piece.
        answer: replies to what a piece asks through `ask_parent`.

    Returns:
        One outcome a piece of work, in order.
    """
    if not limits.isolate or why_not_isolated():
        return [worker.run_captured(one) for one in work]
    thread_pools()  # found here, they need not be looked for in each child
    queue = _Queue(waiting=list(range(len(work))), outcomes=[None] * len(work))
    size = min(max(1, limits.processes), len(work))
    children: list[_Child] = []
    try:
        for place in range(size):  # one by one, so that those that run are ended where the system gives no more
            children.append(_Child(work, limits, queue, place * len(work) // size))
        busy = [child for child in children if child.next()]
        while busy:
            left = min(child.left for child in busy)
            connection.wait([child.pipe for child in busy], timeout=min(max(0.0, left), _LOOK))
            busy = [child for child in busy if child.attend(answer)]
    finally:
        for child in children:
            child.end()
    return [outcome if outcome is not None else Outcome(error="was never run") for outcome in queue.outcomes]


@dataclass(kw_only=True)
class _Queue:
    """The pieces that nobody has begun, in order, and what became of the others."""

    waiting: list[int]
    outcomes: list[Outcome | None]


class _Child:
    """A child process, and the piece of work that it has in hand."""

    def __init__(self, work: Sequence[Work], limits: Limits, queue: _Queue, first: int) -> None:
        self.work, self.limits, self.queue, self.first = work, limits, queue, first
        self.piece: int | None = None
        self.answering = 0.0
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
        return self.limits.seconds + self.answering - self.clock.running

    def next(self) -> bool:
        """Hand out the next piece, from this child's first one on; whether there was one."""
        waiting = self.queue.waiting
        self.piece = min(waiting, key=lambda piece: (piece - self.first) % len(self.work), default=None)
        if self.piece is None:
            return False
        waiting.remove(self.piece)
        self.answering = 0.0
        self.clock.begin()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died; the next look at it says so
            self.pipe.send(self.piece)
        return True

    def attend(self, answer: AnswerFunction | None) -> bool:
        """Read the child's messages; whether it has more to do."""
        while self.pipe.poll():
            try:
                kind, content = self.pipe.recv()
            except (EOFError, OSError):
                return self._replace(self._why_ended())
            if kind == "done":
                return self._done(content)
            started = time.monotonic()
            self._reply(answer, content)
            self.answering += time.monotonic() - started
        if self._ended() and not self.pipe.poll():
            return self._replace(self._why_ended())
        if self.left <= 0:
            return self._replace(f"still ran after {self.limits.seconds:g} seconds, its limit of time")
        return True

    def _done(self, outcome: Outcome) -> bool:
        if self.piece is not None:
            self.queue.outcomes[self.piece] = outcome
        return self.next()

    def _reply(self, answer: AnswerFunction | None, question: Any) -> None:
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

    def _why_ended(self) -> str:
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
        """Give up the piece in hand and go on with the rest in a new process; whether there is a rest."""
        self.end()
        if self.piece is not None:
            self.queue.outcomes[self.piece] = Outcome(error=why, step=self.clock.step)
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
