"""A night that is killed or stopped, at several places: nothing half-written, nothing left running, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.command_line import PATIENCE, Workspace, open_everything, unfinished, until

pytestmark = pytest.mark.slow


def start(workspace: Workspace, stage_before: str | None, *arguments: str) -> subprocess.Popen[str]:
    """Start a night and wait until the stage after the given one is at its work."""
    process = workspace.start("run", *arguments)
    assert process.stdout is not None
    while stage_before is not None and not process.stdout.readline().startswith(stage_before):
        assert process.poll() is None, process.communicate()
    until(lambda: unfinished(workspace.data / "cache"), 60, "no stage is at work")
    time.sleep(0.5)
    assert process.poll() is None
    return process


def kill_all(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the command and of all that it started directly, each with its group."""
    asked = ["ps", "-A", "-o", "pid=,ppid="]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    children = [int(pid) for pid, parent in map(str.split, listed) if int(parent) == process.pid]
    assert children
    for pid in (process.pid, *children):
        os.killpg(pid, signal.SIGKILL)
    process.wait(timeout=10 * PATIENCE)


def check_nothing_is_half_done(workspace: Workspace) -> None:
    until(lambda: not workspace.processes(), 30, f"still running: {workspace.processes()}")
    assert open_everything(workspace.data / "runs") > 0
    assert open_everything(workspace.data / "cache") > 0


def test_killed_in_cleaning_then_stopped_in_augmentation_then_it_goes_on(warm: Workspace) -> None:
    arguments = ("--seed", "1", "--to", "augmentation")
    process = start(warm, None, *arguments)
    kill_all(process)
    check_nothing_is_half_done(warm)
    assert not list(warm.runs[0].glob("1-*"))

    process = start(warm, "weak_supervision", *arguments)
    # The killed night's record was put right by the next one.
    assert warm.record(warm.runs[0])["status"] == "failed"
    assert "interrupted" in warm.record(warm.runs[0])["error"]
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60 * PATIENCE)
    assert process.returncode == 130
    assert [line for line in told.splitlines() if "stopped" in line] == told.splitlines()[-1:]
    assert "Traceback" not in told
    check_nothing_is_half_done(warm)
    assert unfinished(warm.data) == []
    assert warm.record()["status"] == "failed"
    assert "interrupted" in warm.record()["error"]

    done = warm("run", *arguments)
    assert done.returncode == 0, done.stderr
    assert [entry["cached"] for entry in warm.record()["stages"]] == [True, True, False, False, False]
    assert unfinished(warm.data) == []
    check_nothing_is_half_done(warm)


def test_killed_in_training_then_a_whole_night_runs(warm: Workspace) -> None:
    process = start(warm, "active_learning", "--set", "training.agreement=0.9")
    kill_all(process)
    check_nothing_is_half_done(warm)
    assert warm.record()["model"] is None
    assert not (warm.data / "runs/latest").exists()

    done = warm("run")
    assert done.returncode == 0, done.stderr
    assert warm.record()["status"] == "completed"
    assert [entry["cached"] for entry in warm.record()["stages"]] == [True] * 5
    assert unfinished(warm.data) == []


def test_told_to_end_before_the_night_has_begun(warm: Workspace) -> None:
    process = warm.start("run")
    until(lambda: warm.runs, 60, "no run was opened")
    process.terminate()
    process.communicate(timeout=60 * PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    assert warm.record()["status"] == "failed"
    until(lambda: not warm.processes(), 30, f"still running: {warm.processes()}")


def test_a_second_night_is_refused_while_one_is_at_work(warm: Workspace) -> None:
    process = warm.start("run")
    until(lambda: warm.runs, 60, "no run was opened")
    second = warm("run")
    process.terminate()
    process.communicate(timeout=60 * PATIENCE)
    assert second.returncode == 2
    assert "another night is at work" in second.stderr
    assert len(warm.runs) == 1
