"""`tilth clean` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.store.removal.test_retention import ALL, at, left, night
from tilth import cli, store


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three nights, of which two are kept."""
    (tmp_path / "tilth.toml").write_text("[store]\nkeep_runs = 2\n", encoding="utf-8")
    for day in (1, 2, 3):
        night(at(tmp_path), day, "a")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dry_run_says_what_would_go_and_removes_nothing(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clean", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" (")[0] for line in told[:2]] == [
        "would remove tables of nights: 5", "would remove models of nights: 1"
    ]  # fmt: skip
    assert told[-1] == "2 nights keep all that they have; the cache holds 0 B"
    assert all(left(run) == ALL for run in _runs(old))
    assert cli.main(["clean", "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)["removed"]
    assert [(item["what"], item["count"]) for item in removed[:2]] == [("tables of nights", 5), ("models of nights", 1)]
    assert [left(run) == ALL for run in _runs(old)] == [False, True, True]
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "nothing was to be removed"


def test_a_night_at_work_is_left_alone(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with at(old).lock():
        for words in (["clean"], ["clean", "--dry-run"]):
            assert cli.main(words) == 2
            assert "another night is at work" in capsys.readouterr().err
    assert all(left(run) == ALL for run in _runs(old))


def test_a_wrong_key_names_the_nearest(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clean", "--set", "store.keep_run=1"]) == 2
    assert 'unknown key "store.keep_run"; did you mean "keep_runs"?' in capsys.readouterr().err
    assert cli.main(["clean", "--set", "store.keep_runs=0"]) == 2
    assert "store.keep_runs: Input should be greater than or equal to 1; found 0" in capsys.readouterr().err


def _runs(root: Path) -> list[store.Run]:
    return store.all_runs(at(root).runs)
