"""`tilth report`, `export` and `predict` on runs that stand anywhere, and what the system refuses."""

from __future__ import annotations

import errno
import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.small_table import ROWS, TASKS, make_table
from tilth import cli
from tilth.store import Run, write_table


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in no workspace, with one promoted run in `nights`."""
    monkeypatch.chdir(tmp_path)
    run = Run.create(tmp_path / "nights", {"tasks": [task.to_json() for task in TASKS]})
    write_table(run.path / "0-input.parquet", make_table())
    run.promote()
    return tmp_path


def test_a_run_outside_any_workspace_is_named_by_its_folder(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next(path for path in (elsewhere / "nights").iterdir() if not path.is_symlink())
    for place in (folder, elsewhere / "nights", Path("nights/latest")):
        assert cli.main(["export", "out.jsonl", "--run", str(place), "--force"]) == 0
        assert len((elsewhere / "out.jsonl").read_text().splitlines()) == sum(row[2] == "train" for row in ROWS)
    assert cli.main(["export", "out.jsonl"]) == 2
    assert "tilth-runs" in capsys.readouterr().err
    (elsewhere / "nights").rename(elsewhere / "tilth-runs")  # where a run goes that is told no other place
    (elsewhere / "out.jsonl").unlink()
    assert cli.main(["export", "out.jsonl"]) == 0


def test_an_export_says_what_it_left_out_and_writes_over_nothing(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "out.csv", "--run", "nights"]) == 0
    told = "2 without a label, 2 gold, which is only measured on"
    assert capsys.readouterr().out == f"8 rows: out.csv\n4 rows left out: {told}\n"
    written = (elsewhere / "out.csv").read_bytes()
    assert cli.main(["export", "out.csv", "--run", "nights"]) == 2
    assert "out.csv is there already; give another name, or --force" in capsys.readouterr().err
    assert (elsewhere / "out.csv").read_bytes() == written
    assert cli.main(["export", "out", "--run", "nights"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["8 rows: out", "2 gold rows: out, split test"]


def test_an_export_to_standard_output_is_rows_alone(elsewhere: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "-", "--run", "nights"]) == 2
    assert "give --format jsonl, or the name of a file" in capfd.readouterr().err
    assert cli.main(["export", "-", "--run", "nights", "--format", "csv"]) == 0
    found = capfd.readouterr()
    assert found.out.splitlines()[0].startswith("id,text,area,area_weight")
    assert len(found.out.splitlines()) == 9
    assert found.err.startswith("8 rows: standard output\n")


def test_where_no_run_is_promoted_one_is_named(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "nights/latest").unlink()
    folder = (elsewhere / "nights").rename(elsewhere / "tilth-runs")
    name = next(folder.iterdir()).name
    assert cli.main(["export", "out.jsonl"]) == 2
    assert f"is promoted; name one, for example {name}\n" in capsys.readouterr().err
    assert cli.main(["export", "out.jsonl", "--run", name]) == 0


def test_what_the_system_refuses_is_told_in_its_own_words(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out.csv")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert cli.main(["export", "out.csv", "--run", "nights"]) == 1
    words = (
        "tilth: the disk is full (out.csv: No space left on device); free some room and run the same command again\n"
    )
    assert capsys.readouterr().err == words
    assert not [path for path in elsewhere.iterdir() if path.name != "nights"]


def test_of_an_unfinished_file_the_folder_is_named(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**options: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", f"{options['dir']}/.tilth-tmp-host-12-abc")

    monkeypatch.setattr("tempfile.mkdtemp", refused)
    assert cli.main(["export", "out.csv", "--run", "nights"]) == 1
    assert capsys.readouterr().err == f"tilth: nothing can be written in {elsewhere} (Permission denied)\n"


def test_what_was_exported_as_json_and_nothing_else(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = sum(row[2] == "train" for row in ROWS)
    assert cli.main(["export", "out.jsonl", "--run", "nights", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["target"], told["rows"], told["gold"]) == ("out.jsonl", rows, 0)
    assert sum(told["left_out"].values()) == len(ROWS) - rows


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_says_so(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    # Where the tests run in the background of a shell, Ctrl-C is ignored from the start.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("tilth.io.exports.exporting.export", lambda *_, **__: signal.raise_signal(number))
    try:
        assert cli.main(["export", "out.csv", "--run", "nights"]) == status
    finally:
        signal.signal(signal.SIGINT, interrupt)
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err.startswith("tilth: stopped; what was finished is kept")


def test_out_is_a_folder(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "file").touch()
    assert cli.main(["run", "--input", "in.csv", "--label", "x", "--out", "file"]) == 2
    assert "--out file is a file" in capsys.readouterr().err


def test_standard_input_that_is_not_utf8_is_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (next((elsewhere / "nights").iterdir()) / "model").mkdir()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"fine\ncaf\xe9\n")))
    assert cli.main(["predict", "--run", "nights"]) == 2
    assert "line 2 of standard input is not UTF-8 (byte 0xe9)" in capsys.readouterr().err
