"""A flow in a process of its own, which ends when we do, however we go."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tilth.cli.init import template

Process: TypeAlias = subprocess.Popen[Any]

PATIENCE = 30
"""Seconds that a flow may take to end after it was told to."""


def flow_file(root: Path, name: str) -> Path:
    """The workspace's own flow of that name, or the one that comes with tilth."""
    own = root / "flows" / name
    return own if own.is_file() and (root / "tilth.toml").is_file() else template() / "flows" / name


def start(flow: Path, arguments: Sequence[str], environment: Mapping[str, str], **options: Any) -> Process:
    """Start a flow; it ends by itself when its standard input closes, as it does when this process is killed."""
    return subprocess.Popen(
        [sys.executable, str(flow), *arguments],
        env=dict(environment),
        stdin=subprocess.PIPE,
        # Ctrl-C in a terminal is for this process alone, which ends the flow in order.
        process_group=0,
        **options,
    )


def stop(process: Process) -> None:
    """Tell a flow to end, wait until it has, and let no second Ctrl-C come between."""
    with _undisturbed():
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if sys.stdout.isatty():  # a progress bar that was cut off has hidden the cursor and left half a line
            sys.stdout.write("\x1b[?25h\r\x1b[2K")
            sys.stdout.flush()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
