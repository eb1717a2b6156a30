"""`tilth push`, against a Hub that listens on this machine."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from tilth import cli
from tilth.errors import DamagedFileError, RequestError
from tilth.store import Run
from tilth.training.export.folder.hub import HubError, push_model


class Hub(BaseHTTPRequestHandler):
    """The few addresses that an upload asks, as the Hub answers them."""

    private, status = True, 200

    def do_GET(self) -> None:
        is_tree = "/tree/" in self.path
        self._answer([] if is_tree else {"id": "team/intents", "private": type(self).private, "siblings": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen: list[Any] = self.server.seen  # type: ignore[attr-defined]
        if self.path.endswith("/api/repos/create"):
            seen.append(("create", json.loads(body), self.headers["Authorization"]))
            self._answer({"url": f"http://{self.headers['Host']}/team/intents"})
        elif "/preupload/" in self.path:
            files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(body)["files"]]
            self._answer({"files": [{**one, "shouldIgnore": False, "oid": None} for one in files]})
        elif "/commit/" in self.path:
            seen.append(("commit", [json.loads(line) for line in body.splitlines()]))
            self._answer({"commitUrl": f"http://{self.headers['Host']}/team/intents/commit/1a", "commitOid": "1a"})
        else:
            self._answer({})

    def _answer(self, value: Any) -> None:
        status = type(self).status
        body = json.dumps(value if status == 200 else {"error": "that token is unknown"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in (("ENDPOINT", f"http://127.0.0.1:{server.server_port}"), ("HF_HUB_OFFLINE", False)):
        monkeypatch.setattr(constants, name, value)  # which the client reads of the environment once
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(Hub, "private", True)
    monkeypatch.setattr(Hub, "status", 200)
    yield server.seen  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(written: Path, tmp_path: Path) -> Path:
    run = Run.create(tmp_path / "tilth-runs", {"tasks": []})
    shutil.copytree(written, run.path / "model")
    (run.path / "model/README.md").write_text("---\ntags: [tilth]\n---\n\n# a card\n")
    run.promote()
    return run.path / "model"


def test_a_model_is_pushed_whole_and_private(
    model: Path, hub: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(model.parents[2])
    assert cli.main(["push", "team/intents", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    names = sorted(file.name for file in model.iterdir())
    assert (done["private"], done["files"], done["commit"]) == (True, len(names), "1a")
    (_, made, authorization), (_, lines) = hub
    assert (made["name"], made["organization"]) == ("intents", "team")
    assert made.get("visibility") == "private" or made.get("private")  # as one version of the client or another says it
    assert authorization == "Bearer hf_secret"
    by_key: dict[str, list[Any]] = {}
    for line in lines:
        by_key.setdefault(line["key"], []).append(line["value"])
    contents = {one["path"]: base64.b64decode(one["content"]) for one in by_key["file"]}
    assert contents == {name: (model / name).read_bytes() for name in names}
    assert by_key["header"][0]["summary"] == f"tilth model {model.parent.name}"


def test_a_public_repository_is_left_alone_unless_it_may_be(model: Path, hub: list[Any]) -> None:
    Hub.private = False
    with pytest.raises(RequestError, match=r"is there already and public: .* give --public"):
        push_model(model, "team/intents")
    assert [what for what, *_ in hub] == ["create"]
    assert push_model(model, "team/intents", public=True).private is False


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"does not know the token \(that token is unknown\); give a token that may write: hf auth login"),
        (403, r"may not write to team/intents .* to team$"),
        (404, "has no owner for team/intents"),
    ],
)
def test_what_the_hub_refuses_is_said_with_the_fix(model: Path, hub: list[Any], status: int, message: str) -> None:
    Hub.status = status
    with pytest.raises(HubError, match=message):
        push_model(model, "team/intents")


def test_nothing_is_asked_for_what_is_no_whole_model(
    model: Path, hub: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="holds no model"):
        push_model(tmp_path, "team/intents")
    with pytest.raises(RequestError, match='"intents" is no repository of the Hub; expected OWNER/NAME'):
        push_model(model, "intents")
    with pytest.raises(RequestError, match="is no repository of the Hub"):
        push_model(model, "team/..")
    (model / "README.md").unlink()
    with pytest.raises(RequestError, match=r"holds no card .* tilth report"):
        push_model(model, "team/intents")
    (model / "wording.npz").write_bytes(b"")
    (model / "heads.onnx").write_bytes(b"")
    with pytest.raises(DamagedFileError, match="has changed since it was written"):
        push_model(model, "team/intents")
    assert hub == []


def test_no_network_is_said_in_plain_words(model: Path, hub: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:1 cannot be reached .* HF_ENDPOINT"):
        push_model(model, "team/intents")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE forbids"):
        push_model(model, "team/intents")
