"""Prefect's own server on this machine, with SQLite, started and reaped by whoever needs it."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keeper
from tilth.cli import terminal
from tilth.errors import RequestError, TilthError

PORT = 4207
"""Of the local server: the same at every start, so that a bookmark of its page holds."""

PATIENCE = 120
"""Seconds that a server may take to answer; it takes some ten on two cores."""


@dataclass(frozen=True)
class Server:
    """A Prefect API: its address, and the file that holds what it asks for, if it is ours."""

    url: str
    secret: Path | None = None

    @property
    def page(self) -> str:
        """What a person opens in a browser."""
        return self.url.removesuffix("/api")


def configured() -> str | None:
    """The address of the server that nights are reported to, where one is asked for."""
    return os.environ.get("PREFECT_API_URL") or None


@contextlib.contextmanager
def running(home: Path, port: int | None = None) -> Iterator[Server]:
    """The configured Prefect API, or that of a local server that lives as long as the block.

    Args:
        home: The local server's folder, for its owner alone: the database, and `auth`, without which no one is
            answered. Whoever reaches a server may have it run code.
        port: The local server's; default: `PORT`, or a free one where that is taken.

    Raises:
        RequestError: The port is taken, or the configured server refuses us.
    """
    if configured():
        with reported() as url:
            yield Server(url)
        return
    port = _port(port)
    url = f"http://127.0.0.1:{port}/api"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    secret = _secret(home / "auth")
    process = subprocess.Popen(
        [sys.executable, keeper.__file__, str(port)],
        env={**os.environ, **_served(url, secret, home)},
        stdin=subprocess.PIPE,  # the keeper ends its server when this closes, even if we are killed
        start_new_session=True,
    )
    try:
        _wait(url, process)
        level = os.environ.get("PREFECT_LOGGING_LEVEL", "WARNING")
        with _reachable(url, secret, home, level), reported():
            yield Server(url, home / "auth")
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)


@contextlib.contextmanager
def reported() -> Iterator[str]:
    """The configured server's address, once it has answered; what Prefect still has to tell it is sent at the end.

    Raises:
        RequestError: It wants to know who we are.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    url = str(configured())
    try:
        with get_client(sync_client=True) as client:
            client.read_flows(limit=1)
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in (401, 403):
            raise
        raise RequestError(
            f"the Prefect server of PREFECT_API_URL ({url}) refuses us ({error.response.status_code}); set "
            "PREFECT_API_AUTH_STRING (the line in data/prefect/auth of the workspace that tilth serve serves) or "
            "PREFECT_API_KEY, or unset PREFECT_API_URL: nights run without a server"
        ) from None
    try:
        yield url
    finally:
        _drain()


@contextlib.contextmanager
def _reachable(url: str, secret: str, home: Path, level: str) -> Iterator[None]:
    """The local server as the configured one, for this process and for those that a schedule starts."""
    from prefect.settings import temporary_settings

    settings = {"api.url": url, "api.auth_string": secret, "home": home, "logging.level": level}
    variables = {
        "PREFECT_API_URL": url,
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": level,
    }
    before = {name: os.environ.pop(name) for name in variables if name in os.environ}
    os.environ.update(variables)
    try:
        with temporary_settings(settings):
            yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


def _served(url: str, secret: str, home: Path) -> dict[str, str]:
    """What the server has to know beside what it inherits."""
    import prefect

    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_SERVER_UI_API_URL": url,  # else its page asks port 4200
    }
    if not os.access(prefect.__ui_static_subpath__.parent, os.W_OK):  # where it would unpack its page
        own["PREFECT_SERVER_UI_STATIC_DIRECTORY"] = str(home / "page")
    return own


def _secret(file: Path) -> str:
    """What the local server asks for: a user and a password, kept in a file that its owner alone may read."""
    with contextlib.suppress(FileNotFoundError):
        kept = file.stat()
        private = kept.st_uid == os.getuid() and not stat.S_IMODE(kept.st_mode) & 0o077
        if private and (secret := file.read_text(encoding="utf-8").strip()):
            return secret
        file.unlink()
    secret = f"tilth:{secrets.token_urlsafe(32)}"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(secret + "\n")
    return secret


def _port(requested: int | None) -> int:
    """The port that is asked for, or the usual one, or a free one where that is taken."""
    try:
        return _bound(requested or PORT)
    except OSError as error:
        if requested is not None:
            raise RequestError(
                f"--port {requested} cannot be used ({error.strerror}); choose another one from 1024 to 65535, or "
                f"leave --port out: then it is {PORT}, or a free one where that is taken"
            ) from None
        port = _bound(0)
        terminal.say(f"port {PORT} cannot be used ({error.strerror}): {port} is used instead (--port chooses one)")
        return port


def _bound(port: int) -> int:
    """The port, or for 0 a free one, if a server can have it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


def _drain() -> None:
    """Send what Prefect still has to tell the server: once that is gone, it would try again for minutes."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TilthError(f"Prefect's server ended with status {process.returncode}; try: prefect server start")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2):
            return
        time.sleep(0.2)
    raise TilthError(f"Prefect's server did not answer at {url} within {PATIENCE} s; try: prefect server start")
