"""A flow in a process of its own, which ends when we do, however we go."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tilth.cli import terminal
from tilth.cli.terminal import Steps
from tilth.cli.workspace import template
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.store import Workspace

log = logging.getLogger(__name__)

Process: TypeAlias = subprocess.Popen[Any]

PATIENCE = 30
"""Seconds that a flow may take to end after it was told to."""


def flow_file(root: Path, name: str) -> Path:
    """The workspace's own flow of that name, or the one that comes with tilth."""
    own = root / "flows" / name
    return own if own.is_file() and (root / "tilth.toml").is_file() else template() / "flows" / name


def ask_server() -> None:
    """Ask the Prefect server that nights are reported to, where there is one, for a sign of life.

    Raises:
        RequestError: Nobody answers. Prefect itself would try again for minutes, in the middle of a night.
    """
    url = os.environ.get("PREFECT_API_URL")
    if url and (why := why_no_server(url)):
        raise RequestError(
            f"PREFECT_API_URL is {url}, where no Prefect server answers ({why}); start it, correct the variable, or go "
            "without: env -u PREFECT_API_URL tilth …"
        )


def why_no_server(url: str) -> str:
    """Why no Prefect API stands under an address; "" where one does, also where it lets nobody in.

    The API of Prefect's cloud, whose addresses name an account, need not say how it is.
    """
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:
            page = "html" in answer.headers.get("Content-Type", "")
            return "there is a web page; the API's address ends with /api" if page else ""
    except urllib.error.HTTPError as error:
        missing = error.code == 404 and "/accounts/" not in url
        return "HTTP status 404; the API's address ends with /api" if missing else ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        return "" if isinstance(why, ssl.SSLError) else str(why)


def environment(workspace: Workspace) -> dict[str, str]:
    """The environment of a flow: what Prefect writes stands in the workspace, and not in the home folder.

    But who reports to a server may keep the key to it in the home folder's profile.
    """
    variables = terminal.environment()
    if not (variables.get("PREFECT_API_URL") and Path("~/.prefect").expanduser().is_dir()):
        variables.setdefault("PREFECT_HOME", str(workspace.data / "prefect"))
    return variables


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


def see_through(
    flow: Path, arguments: Sequence[str], environment: Mapping[str, str], steps: Steps, **options: Any
) -> int:
    """Start a flow, show what it sends through its pipe, and return its exit status; it ends where we are stopped."""
    ours, its = os.pipe()
    process = start(flow, arguments, {**environment, terminal.CHANNEL: str(its)}, pass_fds=(its,), **options)
    os.close(its)
    follower = threading.Thread(target=_follow, args=(ours, steps), daemon=True)
    follower.start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        stop(process)
        raise
    finally:
        if process.stdin is not None:
            process.stdin.close()
        follower.join(timeout=5)  # a grandchild that outlives the flow would hold the pipe open


def _follow(pipe: int, steps: Steps) -> None:
    with os.fdopen(pipe, encoding="utf-8") as messages:
        for message in messages:
            try:
                kind, *words = json.loads(message)
            except ValueError:  # of a flow that was killed while it wrote
                log.debug("a message of the flow is not whole: %s", message)
                continue
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
