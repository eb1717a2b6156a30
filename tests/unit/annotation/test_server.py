"""How the page is served: on this machine alone, by a browser with a window, and by a token that nobody else reads."""

from __future__ import annotations

import contextlib
import threading
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tilth.annotation import open_port, server
from tilth.errors import RequestError


def test_a_port_is_one_of_this_machine_alone() -> None:
    with open_port(0) as taken:
        address, port = taken.getsockname()
        assert address == "127.0.0.1"
        with pytest.raises(RequestError, match=rf"--port {port} cannot be had \(Address already in use\)"):
            open_port(port)


def test_a_browser_opens_a_file_of_ones_own_that_leads_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, int, str]] = []
    seen = threading.Event()

    class Window(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            path = Path(unquote(urlsplit(url).path))
            opened.append((url, path.stat().st_mode & 0o777, path.read_text(encoding="utf-8")))
            seen.set()
            return True

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    monkeypatch.setattr(webbrowser, "get", lambda using=None: Window())
    monkeypatch.setattr(server.uvicorn.Server, "capture_signals", _no_signals)
    listening = open_port(0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/?token=a&b"
    running: list[Any] = []
    made = server.uvicorn.Server
    monkeypatch.setattr(server.uvicorn, "Server", lambda config: running.append(made(config)) or running[0])
    thread = threading.Thread(target=server.serve, args=(app, listening, url), kwargs={"browser": True})
    thread.start()
    assert seen.wait(20)
    assert httpx.get(url, trust_env=False).status_code == 204
    running[0].should_exit = True
    thread.join(20)
    ((address, mode, page),) = opened
    assert "token" not in address  # which others on the machine read off the list of processes
    assert mode == 0o600
    assert "url=http://127.0.0.1" in page
    assert "token=a&amp;b" in page
    assert not Path(urlsplit(address).path).exists()


def _no_signals(_server: Any) -> Any:
    return contextlib.nullcontext()


def test_a_browser_in_the_terminal_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda using=None: webbrowser.GenericBrowser("w3m"))
    assert server._graphical() is None

    def nothing(using: str | None = None) -> webbrowser.BaseBrowser:
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "get", nothing)
    assert server._graphical() is None
