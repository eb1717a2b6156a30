"""What reaches the terminal: no command of a row's, and no warning twice in a row."""

from __future__ import annotations

import logging

import pytest

from tilth.cli import terminal
from tilth.cli.terminal import output


def test_what_a_row_holds_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape and bell are shown as what they are not; tabs, line ends and every script stay."""
    terminal.say("who: x\x1b[2Jy\x07\tשלום\n😀")
    assert capsys.readouterr().out == "who: x\N{REPLACEMENT CHARACTER}[2Jy\N{REPLACEMENT CHARACTER}\tשלום\n😀\n"


def test_a_warning_is_not_said_twice_in_a_row() -> None:
    kept = output._Ours()

    def passes(name: str, level: int, message: str) -> bool:
        return kept.filter(logging.LogRecord(name, level, "", 0, message, None, None))

    assert passes("tilth.store.runs", logging.WARNING, "a is damaged")
    assert not passes("tilth.store.runs", logging.WARNING, "a is damaged")
    assert passes("tilth.store.runs", logging.WARNING, "b is damaged")
    assert passes("tilth.store.runs", logging.WARNING, "a is damaged")
    assert not passes("tilth.store.runs", logging.INFO, "a is read")
    assert not passes("prefect.flow", logging.ERROR, "a failed")
    assert passes("torch", logging.ERROR, "no memory")
