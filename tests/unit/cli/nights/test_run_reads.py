"""What `tilth run` tells of its input before the night begins, and what of it the run's folder keeps."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tilth import cli, night, stage, store
from tilth.config import load
from tilth.io.ingestion import ingest

ROWS = "text,label\nhello there,a\nfar, too, many,a\nbye now,b\nagain, far, too, many,b\n"
TOLD = "2 lines of rows.csv could not be read"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dry_run_tells_with_a_count_and_the_first_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "--dry-run", "--input", "rows.csv", "--label", "label", "--out", "out"]
    assert cli.main(asked) == 0
    told = capsys.readouterr().err
    assert f"tilth: {TOLD}" in told
    assert "(first: rows.csv, line 3)" in told
    assert cli.main([*asked, "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert [(note["kind"], note["count"], note["first"]) for note in notes] == [
        ("unreadable_lines", 2, "rows.csv, line 3")
    ]
    assert sorted(path.name for path in here.iterdir()) == ["rows.csv"]


def test_rows_are_piped_in(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ROWS.encode())))
    assert cli.main(["run", "--dry-run", "--input", "-", "--label", "label", "--out", "out"]) == 0
    found = capsys.readouterr()
    assert "2 rows of standard input; nothing is written" in found.out
    assert "(first: standard input, line 3)" in found.err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.csv", "\ntext,label\nhello,a\n", "line 1 is blank"),
        ("rows.csv", 'text,label\nhello,"{""choices"": [""a"", ""b""]}"\n', "expected one label a row"),
        ("s4://bucket/rows.csv", None, "nothing reads s4:// addresses"),
        ("rows.csv", 'text,"label, kind"\nhello,a\n', "--label '\"label, kind\"'"),
    ],
)
def test_what_cannot_be_read_is_a_wrong_request(
    here: Path, name: str, content: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (here / name).write_text(content, encoding="utf-8")
    assert cli.main(["run", "--input", name, "--label", "label", "--out", "out"]) == 2
    found = capsys.readouterr()
    assert told in found.err
    assert "Traceback" not in found.err
    assert not (here / "out").exists()


def test_the_runs_folder_keeps_the_lines_that_could_not_be_read(here: Path) -> None:
    workspace = store.Workspace(root=here, config=None, data=here / "data", runs=here / "data/runs")
    overrides = {"data.input": ["rows.csv"], "tasks": [{"name": "label"}]}
    request = night.Request(workspace=workspace, overrides=overrides, stages=stage.NAMES, start=None)
    run = night.begin(request, ingest(load(None, overrides, stage.configs()), here))
    kept = (run.path / "unreadable.txt").read_text(encoding="utf-8")
    assert kept == "rows.csv:3: far, too, many,a\nrows.csv:5: again, far, too, many,b\n"
    assert TOLD in run.record["ingest"]["notes"][0]["message"]


def test_pictures_are_counted_as_pictures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.new("RGB", (2, 2), "red").save(here / "a.png")
    (here / "rows.csv").write_text("text,label,image\nhello there,a,a.png\nbye now,b,gone.png\n", encoding="utf-8")
    (here / "tilth.toml").write_text('[data]\ninput = "rows.csv"\nimage = "image"\n[[tasks]]\nname = "label"\n')
    assert cli.main(["run", "--dry-run", "-c", "tilth.toml", "--out", "out"]) == 0
    found = capsys.readouterr()
    assert "2 rows of rows.csv + 1 picture of rows.csv; nothing is written" in found.out
    assert '1 picture could not be found, such as "gone.png": left out, only the text is used' in found.err
    (here / "shown.csv").write_text("label,photo\na,a.png\nb,a.png\n", encoding="utf-8")
    asked = ["--input", "shown.csv", "--image", "photo", "--label", "label", "--dry-run"]
    assert cli.main(["run", *asked, "--out", "out"]) == 0  # a file of pictures alone needs no config
    assert "2 rows of shown.csv + 2 pictures of shown.csv" in capsys.readouterr().out
