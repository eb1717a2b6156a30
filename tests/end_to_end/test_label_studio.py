"""A queue goes into a real Label Studio and comes back, by its own REST interface.

Label Studio wants other versions of much that tilth needs, so that it stands in an environment of its own:

    python3 -m venv /tmp/ls && /tmp/ls/bin/pip install label-studio==1.23.2
    LABEL_STUDIO=/tmp/ls/bin/label-studio pytest -n0 tests/end_to_end/test_label_studio.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.unit.annotation.night import AREA, INTENT, MARKUP, make_night
from tests.unit.io.exports.test_annotation_tools import choice, taken
from tilth.io import labeling_config, write_queue

PROGRAM = os.environ.get("LABEL_STUDIO")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="LABEL_STUDIO names no label-studio; how to have one: see this file"),
]
USER, PASSWORD, TOKEN = "ann@example.org", "pass-word-1", "abcdef0123456789abcdef0123456789abcdef01"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[httpx.Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path / "studio")}
    environment |= {"LATEST_VERSION_CHECK": "false", "COLLECT_ANALYTICS": "false", "SENTRY_DSN": ""}
    environment |= {"LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true"}
    environment.pop("PYTHONPATH", None)
    user = ["--username", USER, "--password", PASSWORD, "--user-token", TOKEN, "--enable-legacy-api-token"]
    options = ["--port", str(port), "--internal-host", "127.0.0.1", "--no-browser", *user]
    with (tmp_path / "studio.log").open("w") as log:
        process = subprocess.Popen([str(PROGRAM), "start", *options], env=environment, stdout=log, stderr=log)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Token {TOKEN}"}, timeout=60, trust_env=False
    )
    try:
        deadline = time.monotonic() + 400
        while True:
            assert process.poll() is None, (tmp_path / "studio.log").read_text()[-2000:]
            assert time.monotonic() < deadline, (tmp_path / "studio.log").read_text()[-2000:]
            try:
                if client.get("/api/projects").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(1)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait()


def test_a_queue_goes_through_label_studio(studio: httpx.Client, tmp_path: Path) -> None:
    write_queue(make_night(tmp_path), tmp_path / "tasks.json")
    project = {"title": "queue", "label_config": labeling_config([AREA, INTENT])}
    number = studio.post("/api/projects", json=project).raise_for_status().json()["id"]
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    imported = studio.post(f"/api/projects/{number}/import", json=tasks).raise_for_status().json()
    assert (imported["task_count"], imported["prediction_count"]) == (8, 8)
    found = studio.get("/api/tasks", params={"project": number, "page_size": 100}).raise_for_status().json()["tasks"]
    ids = {one["data"]["tilth_id"]: one["id"] for one in found}
    texts = {one["data"]["tilth_id"]: one["data"]["text"] for one in found}
    assert texts["r1"] == MARKUP
    for row, result in (
        ("r0", [choice("intent", "down"), choice("area", "internet")]),
        ("r1", [choice("intent", "junk")]),
        ("r5", [choice("intent", "none of these")]),
    ):
        studio.post(f"/api/tasks/{ids[row]}/annotations", json={"result": result}).raise_for_status()
    for kind in ("JSON", "JSON_MIN"):
        exported = studio.get(f"/api/projects/{number}/export", params={"exportType": kind}).raise_for_status()
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "export.json").write_bytes(exported.content)
        stored = taken(folder / "export.json")
        assert {line[:3] for line in stored} == {
            ("r0", "intent", "down"),
            ("r0", "area", "internet"),
            ("r1", "", "junk"),
            ("r5", "intent", "none_of_these"),
            ("r6", "intent", "none_of_these"),
        }
        assert len({who for *_, who in stored}) == 1
