"""How far a night is: steps done of steps planned, a line a step, and what comes through the night's pipe."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from pathlib import Path

import pytest

from tilth import progress as reports
from tilth.cli.nights import flow_process
from tilth.cli.terminal import output as terminal
from tilth.cli.terminal import progress

PLAN = [progress.READING, progress.STARTING, "cleaning", progress.CLOSING]


def test_a_line_a_step_on_standard_error_with_the_share_of_the_steps_done(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_steps(lines=True) as steps:
        steps.begin(progress.READING)  # before anything is known of the rest
        steps.plan(PLAN)
        steps.begin(progress.STARTING)
        steps.begin("training")  # not planned
        steps.begin("cleaning")
        steps.count("encoding pieces of text", 3, 5)  # too soon after the step's own line
        steps.line("cleaning: done")
        steps.begin(progress.CLOSING)
    told = capsys.readouterr()
    assert told.out == "cleaning: done\n"
    assert told.err.splitlines() == [
        "tilth:   0 %  reading the input",
        "tilth:  25 %  starting (step 2 of 4)",
        "tilth:  50 %  cleaning (step 3 of 4)",
        "tilth:  75 %  closing (step 4 of 4)",
    ]


def test_a_long_step_is_counted_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", -1.0)
    with progress.show_steps(lines=False) as steps:
        steps.plan(PLAN)
        steps.begin("cleaning")
        steps.count("encoding pieces of text", 3, 5)
        steps.line("of nobody's interest")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith("tilth:  50 %  cleaning (step 3 of 4) · encoding pieces of text 3 of 5\n")


def test_on_a_terminal_one_line_lives_and_the_nights_own_stand_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live line goes to standard error, through a real terminal."""
    ours, its = os.openpty()
    parts: list[bytes] = []

    def read() -> None:  # as it comes: a terminal holds little, and whoever writes more to it waits
        with contextlib.suppress(OSError):
            while part := os.read(ours, 1 << 16):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(its, "w") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        with progress.show_steps(lines=True) as steps:
            steps.begin(progress.READING)
            steps.plan(PLAN)
            steps.begin("cleaning")
            steps.count("encoding pieces of text", 3, 5)
            steps.line("a line of its own")
    reader.join()
    os.close(ours)
    shown = b"".join(parts).decode()
    assert "0 %  reading the input" in shown
    assert " 50 %  cleaning (step 3 of 4) · encoding pieces of text 3 of 5" in shown
    assert "a line of its own\r\n" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # it is gone at the end
    assert "\x1b[?25h" in shown  # and the cursor is back


def test_what_a_night_shows_comes_through_its_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text(
        "import logging\n"
        "from tilth import progress\n"
        "from tilth.cli import terminal\n"
        "terminal.quiet()\n"
        "with terminal.working('cleaning'):\n"
        "    progress.report('encoding pieces of text', 5, 5)\n"
        "logging.getLogger('tilth.night').warning('the cache is gone')\n"
        "terminal.tell('cleaning: done')\n"
        "raise SystemExit(3)\n"
    )
    with progress.show_steps(lines=True) as steps:
        steps.plan(PLAN)
        assert flow_process.see_through(flow, [], terminal.environment(), steps) == 3
    told = capsys.readouterr()
    assert told.out == "cleaning: done\n"
    assert told.err.splitlines() == ["tilth:  50 %  cleaning (step 3 of 4)", "tilth: the cache is gone"]


def test_of_a_night_that_was_killed_while_it_wrote_all_else_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text(
        "import os\n"
        "with os.fdopen(int(os.environ['TILTH_CHANNEL']), 'w') as pipe:\n"
        '    pipe.write(\'["line", "cleaning: done"]\\n["line", "weak_sup\')\n'
    )
    with progress.show_steps(lines=True) as steps:
        steps.plan(PLAN)
        assert flow_process.see_through(flow, [], terminal.environment(), steps) == 0
    assert capsys.readouterr() == ("cleaning: done\n", "")


def test_without_anybody_who_watches_a_night_says_its_lines_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.working("cleaning"):
        reports.report("encoding pieces of text", 1, 2)
        terminal.tell("cleaning: done")
    assert capsys.readouterr() == ("cleaning: done\n", "")
    assert logging.getLogger("tilth").propagate


@pytest.mark.parametrize(("platform", "expected"), [("linux", None), ("darwin", "YES")])
def test_on_macos_a_night_may_fork_its_guarded_processes(
    monkeypatch: pytest.MonkeyPatch, platform: str, expected: str | None
) -> None:
    """Where it is not set, Apple's runtime ends a forked process as soon as it uses a framework."""
    monkeypatch.delenv("OBJC_DISABLE_INITIALIZE_FORK_SAFETY", raising=False)
    monkeypatch.setattr(terminal.sys, "platform", platform)
    assert terminal.environment().get("OBJC_DISABLE_INITIALIZE_FORK_SAFETY") == expected
