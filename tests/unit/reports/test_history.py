"""All nights, whatever state their folders are in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth import cli, reports, stage
from tilth.reports.history.index import render
from tilth.reports.page.pictures import trend
from tilth.store import write_json

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole night, one of an older tilth, a damaged one, one that is no record, a failed one, and no night."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tilth-runs"
    whole = {
        "started": "2026-01-01T02:00:00+00:00",
        "status": "completed",
        "asked": list(stage.NAMES),
        "inputs": [{"rows": 90}, {"rows": 10}, {"path": "pictures of rows.csv", "rows": 90}],
        "gold": {"rows": 10, "intent": {"macro_f1": 0.75}},
        "measures": {"review": 7.0},
        "stages": [{"name": "active_learning", "metrics": {"asked": 5}}],
        "promoted": True,
        "seconds": 61.4,
    }
    write_json(folder / "a/run.json", whole)
    (folder / "a/report.html").write_text("a page")
    write_json(folder / "b/run.json", {"status": "completed", "inputs": [{"rows": 4}], "stages": None})
    (folder / "c").mkdir()
    (folder / "c/run.json").write_text("{half")
    write_json(folder / "d/run.json", ["no record"])
    failed = {"status": "failed", "error": HOSTILE, "asked": ["cleaning"], "started": "yesterday", "gold": None}
    write_json(folder / "e/run.json", failed)
    write_json(folder / "f/run.json", {**whole, "gold": {"rows": 10, "intent": {"macro_f1": 0.8}}})
    (folder / "no night").mkdir()
    (folder / "latest").symlink_to("f")
    return folder


def test_every_night_is_listed_with_what_is_known_of_it(runs: Path) -> None:
    found = {night["run_id"]: night for night in reports.past_nights(runs)}
    assert list(found) == ["a", "b", "c", "d", "e", "f"]
    first = found["a"]
    assert (first["rows"], first["waiting"], first["queue"], first["seconds"]) == (100, 7.0, 5, 61.4)
    assert (first["whole"], first["report"], first["latest"], first["promoted"]) == (True, True, False, True)
    assert found["f"]["latest"]
    second = found["b"]
    assert (second["rows"], second["macro_f1"], second["waiting"], second["whole"]) == (4, {}, None, None)
    assert found["c"]["status"] == found["d"]["status"] == "damaged"
    assert "holds no record, but list" in found["d"]["problem"]
    assert found["e"]["whole"] is False


def test_the_page_over_all_nights(runs: Path) -> None:
    page = reports.write_index(runs).read_text(encoding="utf-8")
    assert page.index(">f<") < page.index('href="a/report.html"')  # the newest first; it has no report to link to
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "Score of intent" in page
    assert "damaged" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert reports.past_nights(runs)[0]["run_id"] == "a"  # the page itself is no night
    assert "A trend needs two nights." in render([])


def test_broken_nights_do_not_keep_the_others_from_being_listed(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["a", "b", "c", "d", "e", "f"]
    assert "is damaged" in lines[3]
    assert lines[7] == "macro-F1 of intent, last 2 nights: ▁█ 0.750 to 0.800, now 0.800"
    assert cli.main(["runs", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 6
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    assert cli.main(["runs", "--open"]) == 0
    assert opened == [(runs / "index.html").as_uri()]


def test_the_trend_on_the_page_is_of_whole_nights(tmp_path: Path) -> None:
    gold = {"rows": 10, "intent": {"macro_f1": 0.8}}
    for name, stages in (("a", list(stage.NAMES)), ("b", ["cleaning"]), ("c", list(stage.NAMES))):
        record = {"run_id": name, "status": "completed", "started": f"2026-01-0{ord(name) - 96}", "gold": gold}
        write_json(tmp_path / name / "run.json", {**record, "asked": stages})
    assert [night["run_id"] for night in trend(tmp_path, "c")] == ["a", "c"]
