"""Nights that are told to a receiver on this machine, and addresses that reach nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tilth import stage, store
from tilth.config import ScheduleConfig
from tilth.errors import ConfigError, RequestError
from tilth.night.closing.notification import check_addresses, kinds_of, notify, notify_unopened
from tilth.store import Run, write_json


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.messages = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def make_night(root: Path, address: str, more: str = "", **fields: Any) -> Run:
    (root / "tilth.toml").write_text(f'[schedule]\nnotify = "{address}"\n{more}')
    run = Run(root / "data/runs/n1")
    record = {
        "run_id": "n1",
        "status": "completed",
        "asked": list(stage.NAMES),
        "promoted": True,
        "finished": "2026-01-02T05:00:00+00:00",
        "workspace": {"root": str(root), "config": str(root / "tilth.toml")},
    }
    write_json(run.path / "run.json", {**record, **fields})
    verdict = {"headline": "Better", "sentences": ["It gained a point."], "decision": None}
    write_json(run.path / "report.json", {"verdict": verdict, "to_do": []})
    return run


def test_a_failed_night_is_told_once(tmp_path: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER", f"127.0.0.1:{receiver.server_port}")
    run = make_night(tmp_path, "json://$RECEIVER/night", status="failed", error="the disk is full")
    notify(run)
    notify(run)
    (message,) = receiver.messages
    assert message["title"] == f"tilth: the night n1 of {tmp_path.name} failed"
    assert message["message"].startswith("the disk is full")
    assert run.record["notified"] == {"kinds": ["failed"], "sent": 1, "not_sent": 0}


def test_a_night_that_could_not_begin_is_told(tmp_path: Path, receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    config, address = tmp_path / "tilth.toml", f"json://127.0.0.1:{receiver.server_port}"
    for kinds in (["failed"], ["good"]):
        config.write_text(f'[schedule]\nnotify = "{address}"\nnotify_on = {kinds}\n')
        notify_unopened(config, RequestError("no file rows.csv"))
    (message,) = receiver.messages
    assert message["title"] == f"tilth: a night of {tmp_path.name} could not begin"
    assert message["message"].startswith("no file rows.csv\n")
    config.write_text("no TOML")
    notify_unopened(config, RequestError("is not TOML"))
    assert "nobody was told of this night" in caplog.text
    assert len(receiver.messages) == 1


def test_a_late_night_that_is_no_better_is_told_with_its_verdict(tmp_path: Path, receiver: Any) -> None:
    address = f"json://127.0.0.1:{receiver.server_port}"
    run = make_night(tmp_path, address, promoted=False, deadline={"at": "2026-01-02T05:30:00+01:00"})
    notify(run)
    (message,) = receiver.messages
    assert message["title"].endswith("was not promoted and ended after its deadline")
    assert "It gained a point." in message["message"]


def test_a_good_night_is_told_where_that_is_asked_for(tmp_path: Path, receiver: Any) -> None:
    address = f"json://127.0.0.1:{receiver.server_port}"
    notify(make_night(tmp_path, address))
    assert receiver.messages == []
    notify(make_night(tmp_path, address, 'notify_on = ["good"]\n'))
    assert [message["title"] for message in receiver.messages] == [
        f"tilth: the night n1 of {tmp_path.name} is the latest now"
    ]


def test_a_try_of_some_stages_tells_nobody_but_of_its_failure() -> None:
    assert kinds_of({"status": "completed", "asked": ["cleaning"], "promoted": False}) == []
    assert kinds_of({"status": "failed", "asked": ["cleaning"]}) == ["failed"]


def test_nobody_there_and_no_password_are_warnings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    run = make_night(tmp_path, "json://me:$NO_SUCH@127.0.0.1:9/", status="failed", error="x")
    notify(run)
    assert "$NO_SUCH is not set" in caplog.text
    run = make_night(tmp_path, "json://me:secret@127.0.0.1:9/", status="failed", error="x")
    notify(run)
    assert "json://… did not take the message" in caplog.text
    assert "secret" not in caplog.text
    assert run.record["notified"] == {"kinds": ["failed"], "sent": 0, "not_sent": 1}


def test_an_address_of_no_kind_is_refused_before_the_night() -> None:
    with pytest.raises(ConfigError, match='Apprise does not know an address that begins with "mialto"'):
        check_addresses(ScheduleConfig(notify=("mialto://me@example.org",)))
    check_addresses(ScheduleConfig(notify=("json://localhost", "mailto://me:$UNSET_HERE@example.org")))


def test_a_record_holds_no_password() -> None:
    schedule = ScheduleConfig(notify=("mailto://me:secret@example.org",))
    assert schedule.model_dump(mode="json")["notify"] == ["mailto://…"]
    assert store.digest_json(schedule.model_dump(mode="json"))
