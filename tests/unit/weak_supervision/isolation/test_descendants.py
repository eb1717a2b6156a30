"""What a labeling function starts ends with it, whatever it does to be forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.command_line import PATIENCE
from tests.unit.weak_supervision.isolation.forking import starts
from tests.unit.weak_supervision.isolation.test_supervisor import QUICK, cast, function
from tilth.weak_supervision.isolation.limits import Limits
from tilth.weak_supervision.isolation.supervisor import run_guarded
from tilth.weak_supervision.isolation.worker import in_guarded_process

_IMPORTED = time.time() - 10


def left(mark: str) -> list[str]:
    """Living processes that carry a mark in what they were started with, or that hold its file open."""
    found = []
    for process in psutil.process_iter(["cmdline", "status", "create_time"]):
        if process.info["create_time"] < _IMPORTED:  # older than any mark
            continue
        try:
            held = [file.path for file in process.open_files()] if process.pid != os.getpid() else []
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(mark in text for text in held):
            found.append(f"{process.pid} {' '.join(process.info['cmdline'])[:80]}")
    return found


def gone(mark: str, seconds: float = 5.0 * PATIENCE) -> None:
    """Fails unless no process is left that holds the mark."""
    deadline = time.monotonic() + seconds
    while left(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left(mark) == []


@pytest.mark.parametrize("session", [False, True])
def test_what_it_forked_ends_with_a_function_that_votes(session: bool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    config = QUICK.model_copy(update={"min_seconds": 30.0})  # it takes none of them, but where the machine is busy
    (ballot,) = cast(function("forks", starts(mark, session=session, after=lambda x: "slow")), config=config)
    assert ballot.column.tolist() == [1] * 4
    assert mark.exists()
    gone(str(mark))


@pytest.mark.parametrize("session", [False, True])
def test_what_it_forked_ends_with_a_function_over_its_time(session: bool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (ballot,) = cast(function("loops", starts(mark, session=session, after=lambda x: time.sleep(60))))
    assert ballot.error == "still ran after 1 seconds, its limit of time"
    gone(str(mark))


def test_a_function_that_ends_its_process_is_noticed_at_once_though_a_child_holds_the_pipe(tmp_path: Path) -> None:
    mark, started = tmp_path / "mark", time.monotonic()
    config = QUICK.model_copy(update={"min_seconds": 30.0})
    (ballot,) = cast(function("dies", starts(mark, after=lambda x: os._exit(3))), config=config)
    assert ballot.error == "ended its process with status 3"
    assert time.monotonic() - started < 10
    gone(str(mark))


def test_a_copy_that_a_function_leaves_to_go_on_says_nothing() -> None:
    """Both would answer through one pipe, and the parent would take the second answer for that of the next piece."""

    def copies() -> str:
        os.fork()
        return "one"

    done = run_guarded([copies, lambda: "two", copies, lambda: "three"], Limits(seconds=20))
    assert [one.value for one in done] == ["one", "two", "one", "three"]


def test_a_child_is_out_of_reach_of_its_parents_terminal() -> None:
    (done,) = run_guarded([lambda: (os.getsid(0), os.getpid())], Limits())
    assert done.value[0] == done.value[1] != os.getsid(0)


SCRIPT = """
import os, sys, time
from pathlib import Path
from tests.unit.weak_supervision.isolation.forking import starts
from tilth.weak_supervision.isolation import Limits, run_guarded
mark = Path(sys.argv[1])
run_guarded([lambda: starts(mark, session=True, after=lambda x: time.sleep(60))(None)], Limits(seconds=60))
"""


IMPORTS = """
import sys
from pathlib import Path
from tilth.samples import Task
from tilth.weak_supervision import load_functions
tasks = [Task(name='intent', labels=('refund', 'slow'))]
print(len(load_functions(Path(sys.argv[1]), tasks).functions))
"""


def test_what_a_file_starts_when_it_is_imported_ends_with_the_night(tmp_path: Path) -> None:
    source = "import subprocess, sys\nfrom snorkel.labeling import labeling_function\nTASK = 'intent'\n"
    source += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)', __file__], stdout=-3)\n"
    (tmp_path / "starts.py").write_text(source + "@labeling_function()\ndef one(x):\n    return None\n")
    done = subprocess.run([sys.executable, "-c", IMPORTS, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout == "1\n"
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if str(tmp_path / "starts.py") in command] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_night_that_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = [sys.executable, "-c", "import signal; signal.signal(2, signal.default_int_handler)\n" + SCRIPT]
    night = subprocess.Popen([*command, str(mark)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(left(str(mark))) == 1
    night.send_signal(number)
    night.wait(10 * PATIENCE)
    gone(str(mark))
    assert not in_guarded_process()
