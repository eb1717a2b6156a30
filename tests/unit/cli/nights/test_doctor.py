"""`tilth doctor`: a state, what was found and the command, for each thing that a night needs."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tilth import cli
from tilth.cli.nights.doctor_checks import CHECKS

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and a world in which all is as it should be."""
    (tmp_path / "tilth.toml").write_text('[[tasks]]\nname = "intent"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100e9, 0, 50e9))
    monkeypatch.setattr("tilth.augmentation.link_grammar_version", lambda: "link-grammar-5.12.0")
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["prefect>=1", "pytest>=99; extra == 'dev'"])
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], status: int) -> dict[str, Any]:
    assert cli.main(["doctor", "--json"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["ok"] is (status == 0)
    return dict(found["checks"])


def test_all_is_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, 0)
    assert {name: one["state"] for name, one in found.items() if name != "hub"} == {
        name: "ok" for name in CHECKS if name not in {"hub", "prefect server", "engine"}
    }
    assert found["libraries"]["found"] == f"all 1 in range (prefect {importlib.metadata.version('prefect')})"
    assert found["workspace"]["found"] == str(here / "tilth.toml")
    assert found["disk"]["found"] == f"50.0 GB free at {here}"
    assert list(here.iterdir()) == [here / "tilth.toml"]  # nothing was written
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok        python          3.")
    assert lines[-1] == "all that a night needs is here"


def test_a_library_out_of_range_is_named_with_the_command(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["prefect>=1,<2", "no-such-library>=3", "numpy>=1"])
    one = told(capsys, 1)["libraries"]
    assert one["state"] == "missing"
    assert f"prefect {importlib.metadata.version('prefect')}, expected <2,>=1" in one["found"]
    assert "no-such-library is not installed, expected >=3" in one["found"]
    assert one["fix"].endswith("-m pip install 'prefect<2,>=1' 'no-such-library>=3'")


def test_what_is_wrong_with_a_workspace(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tilth.toml").write_text("[trainin]\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100e9, 0, 1e9))
    monkeypatch.setattr("tilth.augmentation.link_grammar_version", lambda: "")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    found = told(capsys, 1)
    assert 'did you mean "training"' in found["workspace"]["found"]
    assert found["disk"] == {"state": "missing", "found": f"1.0 GB free at {here}, 2.0 wanted", "fix": "tilth clean"}
    assert found["link-grammar"]["state"] == "optional"
    assert found["link-grammar"]["fix"].startswith("apt-get install liblink-grammar5")
    assert found["prefect server"]["state"] == "missing"
    assert found["prefect server"]["fix"] == "unset PREFECT_API_URL"
    assert cli.main(["doctor"]) == 1
    assert "apt-get install liblink-grammar5" in capsys.readouterr().out


def test_a_night_at_work_is_seen(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "data").mkdir()
    with FileLock(here / "data/.lock"):
        assert "a night is at work here" in told(capsys, 0)["lock"]["found"]
    assert told(capsys, 0)["lock"] == {"state": "ok", "found": "no night is at work here", "fix": ""}


def test_outside_any_workspace_the_way_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert told(capsys, 0)["workspace"]["fix"] == "tilth init DIR"


def test_workers_that_are_not_to_be_had_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (here / "tilth.toml").open("a") as config:
        config.write('\n[engine]\nrunner = "dask"\nworkers = 2\n')
    assert told(capsys, 0)["engine"] == {"state": "ok", "found": "dask, workers of this machine: 2", "fix": ""}
    text = (here / "tilth.toml").read_text().replace("workers = 2", 'address = "127.0.0.1:1"')
    (here / "tilth.toml").write_text(text)
    assert "no scheduler answers there" in told(capsys, 1)["engine"]["found"]
