"""Nights on a schedule: one fires by itself, tells where its page is, and leaves nothing behind."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.command_line import PATIENCE, STAGES, Workspace, new_workspace, until

pytestmark = pytest.mark.slow

SEEN = 120
"""Seconds until a schedule of every minute must have fired: one for the server to start, one to the minute's turn."""

# What is under test is that a night fires and comes to its end, not what its stages do.
FEW = """
[[tasks]]
name = "area"
labels = ["billing", "network"]
"""


def small(root: Path, **settings: str) -> Workspace:
    made = new_workspace(root, **settings)
    (made.root / "tilth.toml").write_text('[data]\ninput = ["rows.csv"]\n' + FEW, encoding="utf-8")
    (made.root / "rows.csv").write_text("text,area\n" + "hello there,\n" * 5, encoding="utf-8")
    for file in (made.root / "labeling_functions").glob("*.py"):
        file.unlink()
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small(tmp_path / "workspace")


@dataclass
class Served:
    """A `tilth serve` at work, what it said, and its server."""

    workspace: Workspace
    process: subprocess.Popen[str]
    told: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, workspace: Workspace, *arguments: str) -> Served:
        # One at a time: a port that is free for two who look at once is had by one of them.
        with FileLock(Path(tempfile.gettempdir()) / "tilth-tests-serve.lock"):
            made = cls(workspace, workspace.start("serve", *arguments))
            for stream in (made.process.stdout, made.process.stderr):  # read on, so that no full pipe stops it
                assert stream is not None
                threading.Thread(target=lambda stream=stream: made.told.extend(stream), daemon=True).start()
            until(lambda: re.search(r"needs the line in \S+\n", made.said), 120, "no page")
        return made

    @property
    def said(self) -> str:
        return "".join(self.told)

    @property
    def page(self) -> str:
        return re.search(r"page: (http://127\.0\.0\.1:\d+);", self.said)[1]  # type: ignore[index]

    @property
    def secret(self) -> str:
        return (self.workspace.data / "prefect/auth").read_text(encoding="utf-8").strip()

    def ask(self, path: str, body: Any = None, *, secret: str | None = None) -> Any:
        key = base64.b64encode((self.secret if secret is None else secret).encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.page + path, json.dumps(body).encode() if body else None, headers)
        for left in reversed(range(5)):
            try:
                with urllib.request.urlopen(asked, timeout=20) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                # Prefect's database was locked for a moment; its own clients ask again, too.
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                    raise
            time.sleep(1)
        raise AssertionError("not reached")

    def runs(self) -> list[dict[str, Any]]:
        return self.ask("/api/flow_runs/filter", {"limit": 200})

    def end(self, number: int = signal.SIGTERM) -> str:
        """Tell it to end as a terminal or a supervisor does; what it said since."""
        before = len(self.told)
        os.killpg(self.process.pid, number)
        self.process.wait(timeout=60 * PATIENCE)
        until(lambda: not self.workspace.processes(), 30, f"still running: {self.workspace.processes()}")
        return "".join(self.told[before:])


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that waits for two in New York's night, for the tests that only look or ask."""
    served = Served.start(small(tmp_path_factory.mktemp("idle") / "w", TZ="America/New_York"), "--cron", "0 2 * * *")
    yield served
    served.end()


def test_a_cron_night_fires_completes_and_leaves_no_process(workspace: Workspace) -> None:
    served = Served.start(workspace, "--cron", "* * * * *")
    try:
        with urllib.request.urlopen(f"{served.page}/api/health", timeout=10) as answer:
            assert answer.read() == b"true"
        until(lambda: workspace.runs, SEEN, f"no night has fired: {served.said}")
        first = workspace.runs[0]
        until(lambda: workspace.record(first)["status"] != "running", 120, f"the night does not end: {served.said}")
        assert workspace.record(first)["status"] == "completed", served.said
        assert [entry["name"] for entry in workspace.record(first)["stages"]] == STAGES
        until((first / "report.html").exists, 30, "no report")
    finally:
        served.end(signal.SIGINT)
    assert served.process.returncode == 130
    assert "Traceback" not in served.said


def test_killing_serve_ends_its_server(workspace: Workspace) -> None:
    process = Served.start(workspace, "--cron", "0 2 * * *").process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10 * PATIENCE)
    until(lambda: not workspace.processes(), 30, f"still running: {workspace.processes()}")


def test_the_page_opens_in_a_browser_and_asks_its_own_server_with_a_password(idle: Served) -> None:
    with urllib.request.urlopen(f"{idle.page}/ui-settings", timeout=20) as answer:
        settings = json.load(answer)
    assert settings["api_url"] == f"{idle.page}/api"
    assert settings["auth"] == "BASIC"
    browser = urllib.request.Request(idle.page, headers={"Accept": "text/html"})
    with urllib.request.urlopen(browser, timeout=20) as answer:
        assert re.search(rb'<div id="(app|root)">', answer.read())


@pytest.mark.parametrize("secret", ["", "tilth:", "admin:pass"])
def test_the_server_answers_nobody_without_the_secret_which_only_its_owner_can_read(idle: Served, secret: str) -> None:
    file = idle.workspace.data / "prefect/auth"
    assert f"needs the line in {file}\n" in idle.said
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(idle.secret) > 40
    for path in ("/api/admin/version", "/api/flow_runs/filter", "/api/deployments/filter"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            idle.ask(path, {"limit": 1} if path.endswith("filter") else None, secret=secret)
        assert refused.value.code == 401
    assert idle.ask("/api/admin/version")


def test_a_run_with_a_workspace_of_its_own_is_refused(idle: Served) -> None:
    deployment = idle.ask("/api/deployments/name/nightly/tilth")
    assert deployment["parameter_openapi_schema"]["properties"] == {}
    before = len(idle.workspace.runs)
    made = idle.ask(f"/api/deployments/{deployment['id']}/create_flow_run", {"parameters": {"workspace": "/tmp"}})
    ended = until(lambda: (run := _run(idle, made["id"]))["state_type"] in ("CRASHED", "FAILED") and run, 90, "no end")
    assert ended["start_time"] is None or ended["state_type"] == "CRASHED"
    assert len(idle.workspace.runs) == before


def _run(served: Served, name: str) -> dict[str, Any]:
    return served.ask(f"/api/flow_runs/{name}")


def test_nights_are_due_by_local_time_and_the_message_says_so(idle: Served) -> None:
    assert "nights at 0 2 * * *, America/New_York time;" in idle.said
    due = until(lambda: [run["expected_start_time"] for run in idle.runs() if run["auto_scheduled"]], 60, "none is due")
    assert {when[11:16] for when in due} <= {"06:00", "07:00"}  # UTC, in summer and in winter


def test_tilth_run_reports_to_a_server_that_is_named_and_asks_for_its_secret(idle: Served) -> None:
    named = {"PREFECT_API_URL": f"{idle.page}/api"}
    asked = Workspace(idle.workspace.root, {**idle.workspace.settings, **named})
    done = asked("run")
    assert done.returncode == 1
    assert "PREFECT_API_AUTH_STRING" in done.stderr
    assert "Traceback" not in done.stderr
    asked.settings["PREFECT_API_AUTH_STRING"] = idle.secret
    done = asked("run")
    assert done.returncode == 0, done.stderr
    names = [task["name"].rsplit("-", 1)[0] for task in idle.ask("/api/task_runs/filter", {"limit": 50})]
    assert sorted(names) == sorted([*STAGES, "close night"])


def test_a_second_serve_of_the_workspace_is_refused(idle: Served) -> None:
    done = idle.workspace("serve", "--cron", "0 3 * * *", timeout=120)
    assert done.returncode == 2
    assert "another tilth serve is at work" in done.stderr
    assert "nights at" not in done.stdout


def test_stopped_in_the_middle_and_started_again(workspace: Workspace) -> None:
    served = Served.start(workspace, "--cron", "* * * * *")
    until(lambda: [run for run in served.runs() if run["state_type"] in ("PENDING", "RUNNING")], SEEN, "none starts")
    said = served.end()
    assert served.process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in said
    assert "Error" not in said
    states = _states(workspace)
    assert set(states) - {"SCHEDULED", "COMPLETED"} <= {"CANCELLED", "CRASHED"}
    assert set(states) - {"SCHEDULED", "COMPLETED"}, states
    assert "running" not in [workspace.record(run)["status"] for run in workspace.runs]

    _let_pass(workspace, 5)  # as if no one had served for five minutes
    served = Served.start(workspace, "--cron", "0 2 * * *", "--timezone", "America/New_York")
    until(lambda: _due(served), 60, "nothing is due")
    assert {time[11:16] for time in _due(served)} <= {"06:00", "07:00"}
    assert "missed: the night" not in served.said
    served.end()

    done = _states(workspace).count("COMPLETED")
    _let_pass(workspace, 3)
    served = Served.start(workspace, "--cron", "0 2 * * *", "--timezone", "America/New_York")
    try:
        until(lambda: "and 2 before it; one starts now" in served.said, 30, served.said)
        until(lambda: _states(workspace).count("COMPLETED") == done + 1, SEEN, f"none is made up for: {served.said}")
        assert {time[11:16] for time in _due(served)} <= {"06:00", "07:00"}
    finally:
        served.end()
    assert set(_states(workspace)) <= {"SCHEDULED", "COMPLETED", "CANCELLED", "CRASHED"}


def _due(served: Served) -> list[str]:
    return [run["expected_start_time"] for run in served.runs() if run["state_type"] == "SCHEDULED"]


def _database(workspace: Workspace) -> sqlite3.Connection:
    return sqlite3.connect(workspace.data / "prefect/prefect.db", timeout=30)


def _states(workspace: Workspace) -> list[str]:
    with contextlib.closing(_database(workspace)) as database:
        return [state for (state,) in database.execute("SELECT state_type FROM flow_run")]


def _let_pass(workspace: Workspace, count: int) -> None:
    """The next nights, as they stand when their time has passed while no one served."""
    with contextlib.closing(_database(workspace)) as database, database:
        rows = "SELECT id FROM flow_run WHERE state_type = 'SCHEDULED' ORDER BY expected_start_time LIMIT ?"
        for number, (run,) in enumerate(database.execute(rows, [count]).fetchall()):
            day = f"2026-01-0{number + 1}"
            database.execute(
                "UPDATE flow_run SET expected_start_time = ?1, next_scheduled_start_time = ?1 WHERE id = ?2",
                [f"{day} 07:00:00.000000", run],
            )
            database.execute(
                "UPDATE flow_run_state SET state_details = json_set(state_details, '$.scheduled_time', ?1) "
                "WHERE id = (SELECT state_id FROM flow_run WHERE id = ?2)",
                [f"{day}T07:00:00Z", run],
            )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cron", "every night"), ['"every night"', '"0 2 * * *"']),
        (("--cron", "0 2 * * *", "--timezone", "America/NewYork"), ['"America/NewYork"', '"America/New_York"']),
        (("--cron", "0 2 * * *", "--port", "70000"), ["65535"]),
    ],
)
def test_a_wrong_request_is_refused(workspace: Workspace, arguments: tuple[str, ...], said: list[str]) -> None:
    before = sorted(workspace.data.rglob("*"))
    done = workspace("serve", *arguments, timeout=60)
    assert done.returncode == 2
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in sorted(workspace.data.rglob("*")) if path.name != "prefect"] == before


def test_a_clock_without_a_name_is_asked_for(tmp_path: Path) -> None:
    done = small(tmp_path / "workspace", TZ="XYZ+3")("serve", "--cron", "0 2 * * *", timeout=60)
    assert done.returncode == 2
    assert "--timezone America/New_York" in done.stderr


def test_a_port_that_is_taken_is_named(workspace: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = workspace("serve", "--cron", "0 2 * * *", "--port", str(port), timeout=60)
    assert done.returncode == 2
    assert f"--port {port} cannot be used" in done.stderr


@pytest.mark.parametrize("command", [("run",), ("serve", "--cron", "0 2 * * *")])
def test_a_server_that_nobody_answers_for_is_told_at_once_with_the_way_round(
    workspace: Workspace, command: tuple[str, ...]
) -> None:
    before = sorted(workspace.data.rglob("*"))
    workspace.settings["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    done = workspace(*command, timeout=60)
    assert done.returncode == 2
    assert "PREFECT_API_URL is http://127.0.0.1:9/api" in done.stderr
    assert "env -u PREFECT_API_URL" in done.stderr
    assert sorted(workspace.data.rglob("*")) == before


def test_a_home_folder_that_cannot_be_written_to_stops_no_night(workspace: Workspace) -> None:
    workspace.settings["HOME"] = "/proc/1/nowhere"  # not even root may make a folder there
    workspace.settings["XDG_CACHE_HOME"] = ""
    done = workspace("run")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "%" not in line] == []


def test_outside_a_workspace_a_home_folder_that_is_read_only_is_named_with_the_way_round(
    tmp_path: Path,
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,area\n" + "hello there,greeting\n" * 5, encoding="utf-8")
    outside = Workspace(tmp_path, {"HOME": "/proc/1/nowhere", "XDG_CACHE_HOME": ""})
    done = outside("run", "--input", "rows.csv", "--label", "area", "--to", "cleaning")
    assert done.returncode == 2
    assert "/proc/1/nowhere/.cache/tilth" in done.stderr
    assert "XDG_CACHE_HOME" in done.stderr
    assert sorted(tmp_path.iterdir()) == [rows]
