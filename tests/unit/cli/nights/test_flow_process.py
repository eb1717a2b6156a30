"""Whether a Prefect server stands where a night would report to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tilth.cli.nights.flow_process import ask_server
from tilth.errors import RequestError


class _Answers(BaseHTTPRequestHandler):
    """The API below /api; a page for all else, as Prefect's own server has it; nothing below /other."""

    def do_GET(self) -> None:
        known = self.path == "/api/health"
        self.send_response(404 if self.path.startswith("/other") else 401 if self.path.startswith("/locked") else 200)
        self.send_header("Content-Type", "application/json" if known else "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"true" if known else b"<html>")

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/api", "/api/", "/locked", "/other/accounts/1/workspaces/2"])
def test_a_server_that_answers_is_enough(address: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address + path)
    ask_server()


@pytest.mark.parametrize(("path", "why"), [("", "web page"), ("/other", "status 404")])
def test_an_address_without_the_api_is_named(
    address: str, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address + path)
    with pytest.raises(RequestError, match=rf"{why}; the API's address ends with /api.*env -u PREFECT_API_URL"):
        ask_server()
