"""Serves the page on 127.0.0.1, until it is stopped."""

from __future__ import annotations

import html
import os
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import uvicorn

from tilth.annotation.guard import App
from tilth.errors import RequestError

ADDRESS = "127.0.0.1"
_PATIENCE = 2
"""Seconds that requests have to end when the page is stopped."""


def open_port(port: int) -> socket.socket:
    """Take a port of 127.0.0.1, which nobody outside this machine reaches; 0: one that is free.

    Raises:
        RequestError: it is taken, or not for everybody.
    """
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((ADDRESS, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise RequestError(
            f"--port {port} cannot be had ({error.strerror}); another page may be open there: choose another port, or "
            "leave --port out for one that is free"
        ) from None
    return taken


def serve(app: App, listening: socket.socket, url: str, *, browser: bool) -> None:
    """Serve until Ctrl-C or a request to end; requests at work are ended first."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_PATIENCE, server_header=False
    )
    shown = _graphical() if browser else None
    with _opened(url, shown) if shown is not None else nullcontext():
        uvicorn.Server(config).run(sockets=[listening])


def _graphical() -> webbrowser.BaseBrowser | None:
    """The browser of this machine; none where the only one would take over the terminal, as w3m does."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if type(browser) is webbrowser.GenericBrowser else browser


@contextmanager
def _opened(url: str, browser: webbrowser.BaseBrowser) -> Iterator[None]:
    """Open a browser at an address whose token nobody reads off the list of processes: by a file of our own."""
    handle, name = tempfile.mkstemp(prefix="tilth-label-", suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(url)}"><title>tilth</title>')
    threading.Thread(target=browser.open, args=(Path(name).as_uri(),), daemon=True).start()
    try:
        yield
    finally:
        Path(name).unlink(missing_ok=True)
