"""A flow in a process of its own, which ends when we do, however we go."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tilth.cli import terminal
from tilth.cli.init import template
from tilth.cli.progress import Steps

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


def see_through(flow: Path, arguments: Sequence[str], steps: Steps, **options: Any) -> int:
    """Start a flow, show what it sends through its pipe, and return its exit status; it ends where we are stopped."""
    ours, its = os.pipe()
    environment = {**terminal.environment(), terminal.CHANNEL: str(its)}
    process = start(flow, arguments, environment, pass_fds=(its,), **options)
    os.close(its)
    follower = threading.Thread(target=_follow, args=(ours, steps), daemon=True)
    follower.start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        stop(process)
        raise
    finally:
        follower.join(timeout=5)  # a grandchild that outlives the flow would hold the pipe open


def _follow(pipe: int, steps: Steps) -> None:
    with os.fdopen(pipe, encoding="utf-8") as messages:
        for message in messages:
            kind, *words = json.loads(message)
            getattr(steps, kind)(*words)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
