"""How far a night is, from its first second on: one live line on a terminal, a line a step elsewhere.

The percentage is that of the night's steps that are done: reading the input, starting, each stage, closing. Within a
step, work that can be counted is counted beside it ("encoding texts 1200 of 5000").

The line is standard error's, so that standard output holds what was asked for and nothing else. A night runs in a
process of its own; it sends what it has to show through a pipe (`terminal.Channel`), and only this side draws.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tilth.cli.terminal import output as terminal

if TYPE_CHECKING:
    from rich.progress import Progress

READING, STARTING, CLOSING = "reading the input", "starting", "closing"

_EVERY = 30.0
"""Seconds between two lines on the count within a step, where lines stay."""


class Steps:
    """The steps of a night, and which of them is at work."""

    def __init__(self, live: Progress | None, *, lines: bool) -> None:
        self._live = live
        self._lines = lines
        self._bar = live.add_task("", total=1) if live is not None else None
        self._plan: list[str] = []
        self._name = ""
        self._done = 0
        self._said = time.monotonic()

    def plan(self, names: Sequence[str]) -> None:
        """What the night will do, in order; until it is known, no step but the first can be shown."""
        self._plan = list(names)
        self._show("")

    def begin(self, name: str) -> None:
        """The step of that name is at work, and all that stand before it are done."""
        if self._plan and name not in self._plan:  # a stage that was not asked for passes in no time
            return
        self._name, self._done = name, self._plan.index(name) if self._plan else 0
        self._said = time.monotonic()
        self._show("")
        if self._live is None:
            terminal.note(self._line())

    def count(self, what: str, done: int, of: int) -> None:
        """Of the step at work, so much is done."""
        self._show(f" · {what} {done} of {of}")
        if self._live is None and time.monotonic() - self._said > _EVERY:
            self._said = time.monotonic()
            terminal.note(f"{self._line()} · {what} {done} of {of}")

    def line(self, text: str) -> None:
        """A line of the night's own, on standard output."""
        if not self._lines:
            return
        if self._live is not None and sys.stdout.isatty():
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            terminal.tell(text)

    def warn(self, text: str) -> None:
        """A line of the night's own, on standard error."""
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stderr.write(f"{text}\n")

    @property
    def percent(self) -> int:
        """Steps done, of those planned, in percent."""
        return 100 * self._done // len(self._plan) if self._plan else 0

    def _line(self) -> str:
        where = f" (step {self._done + 1} of {len(self._plan)})" if self._plan else ""
        return f"{self.percent:3} %  {self._name}{where}"

    def _show(self, counted: str) -> None:
        if self._live is not None and self._bar is not None:
            self._live.update(
                self._bar,
                total=len(self._plan) or 1,
                completed=self._done,
                description=f"{self._line()}{counted}",
                refresh=not counted,
            )


@contextlib.contextmanager
def show_steps(*, lines: bool) -> Iterator[Steps]:
    """Show the steps of a night within the block, and where wanted its own lines on standard output."""
    from rich.console import Console

    console = Console(stderr=True)
    if terminal.verbose() or not console.is_interactive:
        yield Steps(None, lines=lines)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=16), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as live:
        yield Steps(live, lines=lines)


@contextlib.contextmanager
def show_share(what: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """On a terminal, a live line on how much of one piece of work is done, from 0 to 1; elsewhere nothing."""
    if not shown or terminal.verbose() or importlib.util.find_spec("rich") is None:
        yield lambda done: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_interactive:
        yield lambda done: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=16), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as live:
        bar = live.add_task(what, total=1.0)
        yield lambda done: live.update(bar, completed=done)
