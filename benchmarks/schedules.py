"""A night that a schedule fires, the messages of nights that fail, and a night that is taken back.

    python benchmarks/schedules.py --data data/public

A workspace of 60 rows, as in `kills.py`, with a schedule of every minute and a receiver of messages on this machine.
`tilth serve` fires a night by itself. Then the file of rows is taken away, and comes back with a fifth of its labels
moved to other classes: a night that cannot begin, and one that is worse or not. Then a night by `tilth run` is killed,
and `tilth rollback` takes the latest one back. What happened makes the table; it takes some five minutes of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import _results
import pandas as pd
from kills import workspace

PATIENCE = 600
"""Seconds of the clock that anything may take, on a busy machine."""
TILTH = (sys.executable, "-m", "tilth.cli")


class Receiver(BaseHTTPRequestHandler):
    """Keeps each message, and when it came."""

    def do_POST(self) -> None:
        """Take one message of Apprise's JSON."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.messages.append((time.time(), message))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def receiver() -> Any:
    """A receiver at work, with its `messages`."""
    server: Any = HTTPServer(("127.0.0.1", 0), Receiver)
    server.messages = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def until(done: Callable[[], Any], what: str) -> Any:
    """Wait for something, and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.5)
    raise SystemExit(f"{what} did not happen within {PATIENCE} s")


def records(home: Path) -> dict[str, dict[str, Any]]:
    """The records of all nights, the earliest first, by the names of their folders."""
    files = sorted(path for path in home.glob("data/runs/*/run.json") if not path.parent.is_symlink())
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in files}


def latest(home: Path) -> str:
    """Which night is the latest."""
    return (home / "data/runs/latest").resolve().name


def schedule(home: Path, port: int) -> None:
    """Every minute, and each message to the receiver."""
    with (home / "tilth.toml").open("a", encoding="utf-8") as file:
        kinds = '["failed", "late", "worse", "good"]'
        file.write(f'\n[schedule]\ncron = "* * * * *"\nnotify = "json://127.0.0.1:{port}"\nnotify_on = {kinds}\n')


def nights(home: Path, told: list[tuple[float, dict[str, Any]]]) -> list[list[str]]:
    """Serve the workspace until a night has fired, one could not begin, and one came after; a line each."""
    fired = until(lambda: [one for one in records(home).values() if one["status"] == "completed"], "a night")[0]
    begun = pd.Timestamp(fired["started"])
    lines = [["a night of every minute", f"{fired['status']}, {begun.second} s after its minute"]]
    lines.append(["its message", until(lambda: told, "a message")[0][1]["title"]])
    rows = pd.read_csv(home / "rows.csv")
    (home / "rows.csv").unlink()
    gone, before = time.time(), len(told)
    when, message = until(lambda: _first(told[before:], "could not begin"), "a message of a night without its rows")
    why = message["message"].splitlines()[0].replace(str(home), "…")
    lines.append(["the rows are gone", f"{message['title']}: {why}; told after {when - gone:.0f} s"])
    moved = rows.sample(frac=0.2, random_state=0).index
    rows.loc[moved, "category"] = rows.loc[moved, "category"].sample(frac=1, random_state=1).to_numpy()
    rows.to_csv(home / "rows.csv", index=False)
    before = len(told)
    _, message = until(lambda: _first(told[before:], "is the latest now", "was not promoted"), "the night after")
    return [*lines, ["the rows are back, a fifth of the labels moved", message["title"]]]


def _first(told: list[tuple[float, dict[str, Any]]], *words: str) -> tuple[float, dict[str, Any]] | None:
    return next((one for one in told if any(each in one[1]["title"] for each in words)), None)


def killed(home: Path, told: list[tuple[float, dict[str, Any]]]) -> list[str]:
    """A night by `tilth run` whose process the system kills."""
    before, known = len(told), set(records(home))
    night = subprocess.Popen([*TILTH, "run", "--full"], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: set(records(home)) - known, "a run")
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    for pid, parent in map(str.split, listed.splitlines()):
        if int(parent) == night.pid:
            os.kill(int(pid), signal.SIGKILL)
    status = night.wait()
    _, message = until(lambda: _first(told[before:], "failed"), "a message of a night that was killed")
    words = message["message"].splitlines()[0]
    return ["the process of a night is killed", f"{message['title']}: {words}; exit status {status}"]


def taken_back(home: Path) -> list[str]:
    """What `tilth rollback` makes the latest."""
    promoted = [name for name, record in records(home).items() if record.get("promoted")]
    before = latest(home)
    subprocess.run([*TILTH, "rollback"], cwd=home, check=True, stdout=subprocess.DEVNULL)
    now = latest(home)
    right = now == promoted[promoted.index(before) - 1]
    return ["`tilth rollback`", f"{before} was the latest, {now} is{'' if right else ', which is wrong'}"]


def main() -> None:
    """Go through it once, and write what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=60)
    arguments = parser.parse_args()
    os.environ.pop("PREFECT_API_URL", None)
    with tempfile.TemporaryDirectory() as folder:
        workspace(home := Path(folder) / "inbox", arguments.data, arguments.rows)
        server = receiver()
        schedule(home, server.server_port)
        nothing = subprocess.DEVNULL
        serving = subprocess.Popen([*TILTH, "serve"], cwd=home, stdin=nothing, stdout=nothing, stderr=nothing)
        try:
            lines = nights(home, server.messages)
        finally:
            serving.terminate()
            serving.wait()
        lines += [killed(home, server.messages), taken_back(home)]
    _results.write(
        "schedules",
        "# Nights on a schedule\n\n"
        f"`python benchmarks/schedules.py` ({_results.machine()})\n\n"
        f"A workspace of {arguments.rows} rows, `tilth serve` with a schedule of every minute, and a receiver of "
        "messages on this machine; whatever happened, in order.\n\n"
        + _results.table(("what", "what came of it"), lines),
    )


if __name__ == "__main__":
    main()
