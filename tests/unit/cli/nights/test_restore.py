"""`tilth restore`, and what a night says of its copy at an address."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tilth import store
from tilth.cli import main
from tilth.cli.nights.run import RunOptions, _overrides
from tilth.io import send_nights
from tilth.night.closing import closing
from tilth.store import Run


def a_night(root: Path) -> Run:
    root.mkdir(exist_ok=True)
    (root / "tilth.toml").touch()
    run = Run.create(root / "data/runs", {"carried": {"in": {}, "out": {}}})
    run.update(status="completed")
    run.promote()
    return run


def test_an_empty_workspace_is_filled_and_a_full_one_is_not(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_night(tmp_path / "one")
    send_nights(store.locate(tmp_path / "one/tilth.toml"), "memory://kept")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/tilth.toml").write_text('[store]\naddress = "memory://kept"\n')
    monkeypatch.chdir(tmp_path / "two")
    assert main(["restore"]) == 0
    assert capsys.readouterr().out.startswith(f"1 night from memory://kept, the last one {run.path.name}")
    assert (tmp_path / "two/data/runs/latest/run.json").is_file()
    assert main(["restore"]) == 2
    assert "only a workspace without nights and answers can be filled" in capsys.readouterr().err


def test_without_an_address_the_command_that_names_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tilth.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["restore"]) == 2
    assert "[store] address is not set; name where the copy is" in capsys.readouterr().err
    assert main(["restore", "memory://nothing"]) == 2
    assert 'store.address "memory://nothing" holds no night' in capsys.readouterr().err


def test_a_copy_that_fails_is_a_warning_and_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = a_night(tmp_path)
    workspace = store.locate(tmp_path / "tilth.toml")

    def full(*_: Any) -> None:
        raise OSError("no room")

    with caplog.at_level(logging.WARNING), monkeypatch.context() as changed:
        changed.setattr(closing, "send_nights", full)
        closing._mirror(run, workspace, "memory://kept")
    assert run.record["mirrored"] == {"address": "memory://kept", "nights": [], "error": "no room"}
    assert f"no room; {run.path} holds the night, and the next one copies it too" in caplog.text


def test_an_address_for_out_is_that_of_the_copy() -> None:
    assert _overrides(RunOptions(out="s3://bucket/inbox")) == {"store.address": "s3://bucket/inbox"}
    assert _overrides(RunOptions(out="folder")) == {}
