"""Nights on a schedule: one fires by itself, tells where its page is, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.command_line import STAGES, Workspace, new_workspace, until

SEEN = 120
"""Seconds until a schedule of every minute must have fired: one for the server to start, one to the minute's turn."""

# What is under test is that a night fires and comes to its end, not what its stages do.
FEW = """
[[tasks]]
name = "area"
labels = ["billing", "network"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = new_workspace(tmp_path / "workspace")
    (made.root / "tilth.toml").write_text('[data]\ninput = ["rows.csv"]\n' + FEW, encoding="utf-8")
    (made.root / "rows.csv").write_text("text,area\n" + "hello there,\n" * 5, encoding="utf-8")
    for file in (made.root / "labeling_functions").glob("*.py"):
        file.unlink()
    return made


def test_a_cron_night_fires_completes_and_leaves_no_process(workspace: Workspace) -> None:
    process = workspace.start("serve", "--cron", "* * * * *")
    assert process.stdout is not None
    assert process.stderr is not None
    told: list[str] = []
    for stream in (process.stdout, process.stderr):  # read on, so that no full pipe stops it
        threading.Thread(target=lambda stream=stream: told.extend(stream), daemon=True).start()
    try:
        page = until(lambda: re.search(r"page: (http://127\.0\.0\.1:\d+)", "".join(told)), 60, f"no page: {told}")
        with urllib.request.urlopen(f"{page[1]}/api/health", timeout=10) as answer:
            assert answer.read() == b"true"
        until(lambda: workspace.runs, SEEN, f"no night has fired: {told}")
        first = workspace.runs[0]
        until(lambda: workspace.record(first)["status"] != "running", 60, f"the night does not end: {told}")
        assert workspace.record(first)["status"] == "completed", told
        assert [entry["name"] for entry in workspace.record(first)["stages"]] == STAGES
        until((first / "report.html").exists, 30, "no report")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in "".join(told)
    until(lambda: not workspace.processes(), 30, f"still running: {workspace.processes()}")


def test_killing_serve_ends_its_server(workspace: Workspace) -> None:
    process = workspace.start("serve", "--cron", "0 2 * * *")
    assert process.stdout is not None
    try:
        assert "page: http://127.0.0.1:" in process.stdout.readline()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
    until(lambda: not workspace.processes(), 30, f"still running: {workspace.processes()}")


def test_a_wrong_cron_is_refused(workspace: Workspace) -> None:
    before = sorted(workspace.data.rglob("*"))
    done = workspace("serve", "--cron", "every night", timeout=60)
    assert done.returncode == 2
    assert '"every night"' in done.stderr
    assert '"0 2 * * *"' in done.stderr
    assert sorted(workspace.data.rglob("*")) == before
