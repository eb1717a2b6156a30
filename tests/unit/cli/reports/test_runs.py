"""`tilth runs`, `report --open|--json` and `config`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.small_table import TASKS, make_table
from tilth import cli, reports
from tilth.cli.nights.run import _summary
from tilth.store import Run, write_table


def _night(runs: Path, **fields: Any) -> Run:
    inputs = [{"path": "in.csv", "rows": 10, "split": "train"}, {"path": "gold.csv", "rows": 2, "split": "gold"}]
    run = Run.create(runs, {"tasks": [task.to_json() for task in TASKS], "inputs": inputs, "stages": [], **fields})
    write_table(run.path / "0-input.parquet", make_table())
    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Three nights outside any workspace: promoted with gold, failed, and the latest without gold."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tilth-runs"
    gold = {"rows": 2, "area": {"macro_f1": 0.5, "accuracy": 0.6}, "intent": {"macro_f1": 0.25, "accuracy": 0.3}}
    first, second, third = (
        _night(folder, gold=gold),
        _night(folder),
        _night(folder, cross_validated={"area": gold["area"]}),
    )
    first.finish("completed", promoted=True)
    second.finish("failed", error="no luck", promoted=False)
    third.finish("completed", promoted=True)
    third.promote()
    return [first, second, third]


def test_nights_are_listed_oldest_first(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "started", "status", "rows", "waiting", "seconds", "macro-F1"]
    told = [line.split(maxsplit=7) for line in lines[1:4]]
    assert [words[0] for words in told] == [run.path.name for run in runs]
    assert [words[3:5] for words in told] == [["completed", "12"], ["failed", "12"], ["completed", "12"]]
    assert [words[5] for words in told] == ["–", "–", "–"]
    assert [" ".join(words[7].split()) for words in told] == [
        "area 0.500, intent 0.250 (gold) promoted",
        "–",
        "area 0.500 (cross-validated) latest",
    ]
    assert lines[4:] == ["macro-F1 of area, last 2 nights: ▁▁ 0.500 to 0.500, now 0.500"]


def test_a_night_without_a_score_says_so(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    why = 'every row to measure it by (2) has the label "a"; a score needs two classes'
    night = _night(runs[0].path.parent, gold={"rows": 2, "area": {"macro_f1": None, "accuracy": None, "why": why}})
    night.finish("completed", promoted=True, promotion="no rows of two classes to measure it by")
    assert cli.main(["runs"]) == 0
    assert "area none (gold)" in capsys.readouterr().out.splitlines()[4]
    _summary(night.path)
    assert f"area: no macro-F1 and no accuracy: {why} (gold)" in capsys.readouterr().out
    page = reports.write(night.path).read_text(encoding="utf-8")
    assert "area: not measured: every row to measure it by (2)" in page
    assert "1.000" not in page


def test_nights_as_json_and_nothing_else(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", "--json", "--out", "tilth-runs"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["run_id"] for row in told] == [run.path.name for run in runs]
    assert [row["latest"] for row in told] == [False, False, True]
    assert told[0]["macro_f1"] == {"area": 0.5, "intent": 0.25}
    assert told[1]["measured_on"] is None
    assert cli.main(["runs", "--json", "--out", "nowhere"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_where_there_was_no_night_one_is_suggested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs"]) == 0
    assert "start one with: tilth run" in capsys.readouterr().out


def test_a_report_is_opened(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = runs[0].path / "report.html"
    monkeypatch.setattr("tilth.reports.write", lambda path: path / "report.html")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    assert cli.main(["report", runs[0].path.name, "--open"]) == 0
    assert opened == [page.as_uri()]
    assert capsys.readouterr() == (f"{page}\n", "")
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert cli.main(["report", runs[0].path.name, "--open"]) == 0
    assert page.as_uri() in capsys.readouterr().err


def test_a_report_as_json(runs: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (runs[2].path / "report.json").write_text('{"run": 3}')
    monkeypatch.setattr("tilth.reports.write", lambda path: path / "report.html")
    assert cli.main(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": 3}


def test_the_config_in_force_is_toml_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tilth.toml").write_text('[training]\nsteps = 7\n[[tasks]]\nname = "intent"\n')
    assert cli.main(["config", "--set", "seed=3"]) == 0
    told = tomllib.loads(capsys.readouterr().out)
    assert (told["seed"], told["training"]["steps"], told["tasks"][0]["name"]) == (3, 7, "intent")
    assert cli.main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["steps"] == 7
    assert cli.main(["config", "--set", "training.step=3"]) == 2
    assert 'did you mean "steps"' in capsys.readouterr().err
