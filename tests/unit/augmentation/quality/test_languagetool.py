from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest

from tests.command_line import PATIENCE
from tilth.augmentation.quality.grammar import HarperChecker, added_problems, make_checkers, unavailable_services
from tilth.augmentation.quality.languagetool import MAX_REQUEST_UNITS, LanguageToolChecker
from tilth.errors import ConfigError

LIMIT = 1.5 * PATIENCE
"""Seconds for a request, where a test waits for them: a busy machine may take one for what takes none."""
RULES = {  # the word that a rule finds, its category and its type of issue, as LanguageTool gives them
    "goed": ("GRAMMAR", "grammar"),
    "an": ("MISC", "misspelling"),
    "teh": ("TYPOS", "misspelling"),
    "utilize": ("PLAIN_ENGLISH", "style"),
    "wordy": ("MISC", "style"),
}


def marked(text: str) -> tuple[int, list[bytes]]:
    """What a server says of a text, its offsets counted in UTF-16 units."""
    matches, place = list[dict[str, Any]](), 0
    for word in text.split(" "):
        for part in word.split("\n\n"):
            if (rule := RULES.get(part.strip(".").lower())) is not None:
                offset = len(text[: text.index(part, place)].encode("utf-16-le")) // 2
                matches.append(
                    {"offset": offset, "length": len(part), "rule": {"category": {"id": rule[0]}, "issueType": rule[1]}}
                )
            place = text.index(part, place) + len(part)
    return 200, [json.dumps({"software": {"name": "LanguageTool"}, "matches": matches}).encode()]


class Server:
    """A server on this machine that answers by a function: of the text, its status and the parts of its body."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.reply: Callable[[str], tuple[int, Iterable[bytes]]] = marked
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.forms.append({key: values[0] for key, values in parse_qs(body).items()})
                server.paths.append(self.path)
                status, answer = server.reply(server.forms[-1]["text"])
                self.send_response(status)
                self.end_headers()
                try:
                    for part in answer:
                        self.wfile.write(part)
                except OSError:
                    pass  # the client has left

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def test_matches_that_are_no_matter_of_style_count(server: Server) -> None:
    texts = ["i goed to an bank", "teh bank", "utilize my card", "a wordy text", "can i pay", ""]
    assert LanguageToolChecker(server.address).problems(texts).tolist() == [2, 0, 0, 0, 0, 0]
    assert server.paths == ["/v2/check"] * 2
    assert server.forms[-1]["text"].startswith("I goed to an bank.\n\nTeh bank.\n\n")
    assert server.forms[-1]["language"] == "en-US"
    assert "TYPOS" in server.forms[-1]["disabledCategories"].split(",")


def test_many_texts_go_in_few_requests_that_keep_the_limit(server: Server) -> None:
    texts = [f"text {number} {'goed ' * (number % 3)}{'word ' * 20}" for number in range(600)]
    found = LanguageToolChecker(server.address).problems(texts)
    assert found.tolist() == [number % 3 for number in range(600)]
    sizes = [len(form["text"]) for form in server.forms[1:]]
    assert len(sizes) == 4
    assert max(sizes) <= MAX_REQUEST_UNITS


def test_a_text_too_long_for_a_request_is_not_sent(server: Server) -> None:
    found = LanguageToolChecker(server.address).problems(
        ["word " * MAX_REQUEST_UNITS, "i goed", "\U0001f642" * (MAX_REQUEST_UNITS // 2)]
    )
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == 1
    assert server.forms[-1]["text"] == "I goed."


def test_offsets_are_counted_in_utf_16(server: Server) -> None:
    texts = ["\U0001f642" * 30, "i goed", "\U0001f642\U0001f4b3 goed goed", "fine", "\ud83d goed"]
    assert LanguageToolChecker(server.address).problems(texts).tolist() == [0, 1, 2, 0, 1]


def test_it_stands_beside_the_others_and_behind_their_protocol(server: Server) -> None:
    assert [checker.name for checker in make_checkers("languagetool", server.address)] == ["repetition", "languagetool"]
    assert [checker.name for checker in make_checkers("harper", server.address)][1:] == ["harper", "languagetool"]
    checker = LanguageToolChecker(f"{server.address}/")
    assert added_problems(checker, ["i went", "i goed"], ["i goed", "i went"]).tolist() == [1, 0]


def test_no_server_is_an_error_at_the_start() -> None:
    gone = Server()
    gone.stop()
    with pytest.raises(ConfigError, match=rf'grammar_server = "{gone.address}" does not answer .*start it'):
        LanguageToolChecker(gone.address)


@pytest.mark.parametrize("address", ["", "127.0.0.1:8081", "file:///etc", "ftp://127.0.0.1", "http://", "http://a b"])
def test_no_other_scheme_is_spoken(address: str) -> None:
    with pytest.raises(ConfigError, match="expected the address"):
        LanguageToolChecker(address)


def test_the_proxy_of_the_environment_is_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert LanguageToolChecker(server.address).problems(["i goed"]).tolist() == [1]


NONSENSE = {
    "a failure": (500, b"oops"),
    "another place": (302, b""),
    "no JSON": (200, b"<html>"),
    "nothing": (200, b""),
    "no text": (200, b"\xff\xfe\x00"),
    "nested without end": (200, b"[" * 100_000),
    "a list": (200, b"[]"),
    "no matches": (200, b"{}"),
    "matches of another kind": (200, b'{"matches": [3]}'),
    "no whole number": (200, b'{"matches": [{"offset": Infinity, "rule": {"category": {}}}]}'),
    "beyond the text": (200, b'{"matches": [{"offset": 100000, "rule": {"category": {}}}]}'),
    "not whole": (200, b'{"warnings": {"incompleteResults": true}, "matches": []}'),
    "without end": (200, b" " * (1 << 26)),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_an_error_at_the_start_and_a_warning_later(
    server: Server, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    checker = LanguageToolChecker(server.address)
    server.reply = lambda text: (NONSENSE[kind][0], [NONSENSE[kind][1]])
    with caplog.at_level(logging.WARNING):
        assert np.isnan(checker.problems(["i goed", "i went"])).all()
    assert f"LanguageTool at {server.address} gave no answer on 2 texts" in caplog.text
    with pytest.raises(ConfigError, match="does not answer as LanguageTool does"):
        LanguageToolChecker(server.address)


def test_one_failure_costs_its_own_texts_alone(server: Server) -> None:
    checker = LanguageToolChecker(server.address)
    server.reply = lambda text: (500, []) if text.startswith("Bad") else marked(text)
    half = "goed " + "word " * 3000
    assert unavailable_services([checker, HarperChecker()]) == ()
    found = checker.problems([f"good {half}", f"bad {half}", f"good {half}", ""])
    assert np.isnan(found).tolist() == [False, True, False, False]
    assert unavailable_services([checker, HarperChecker()]) == ("languagetool",)


def test_a_server_that_died_is_not_tried_for_ever(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    checker = LanguageToolChecker(server.address)
    server.reply = lambda text: (500, [])
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert np.isnan(checker.problems(["i goed"])).all()
    assert len(server.forms) == 1 + 3
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == [
        "they count as having no problem", "they count as having no problem", "no further text is sent to it",
    ]  # fmt: skip


def test_a_server_that_hangs_is_left(server: Server) -> None:
    checker = LanguageToolChecker(server.address, timeout=LIMIT)
    over = threading.Event()
    server.reply = lambda text: (200, [str(over.wait(20 * LIMIT)).encode()])
    began = time.monotonic()
    assert np.isnan(checker.problems(["i goed"])).all()
    assert time.monotonic() - began < 10 * LIMIT
    over.set()


def test_an_answer_that_comes_in_drips_is_left(server: Server) -> None:
    checker = LanguageToolChecker(server.address, timeout=LIMIT)
    over = threading.Event()
    server.reply = lambda text: (200, (b" " for _ in range(400) if not over.wait(LIMIT / 20)))
    began = time.monotonic()
    assert np.isnan(checker.problems(["i goed"])).all()
    assert time.monotonic() - began < 10 * LIMIT
    over.set()
