"""`tilth queue export` beside answers that were given on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.annotation.night import Page
from tilth.cli import main


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.chdir(tmp_path)
    return Page(tmp_path)


def test_what_is_answered_already_is_not_asked_a_second_time(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.answer("r0", "slow")
    assert main(["queue", "export", "ask.jsonl"]) == 0
    said = capsys.readouterr()
    assert "1 row of run 20260101-020000 is answered already: left out" in said.err
    assert "7 rows of run 20260101-020000" in said.out
    rows = [json.loads(line) for line in (tmp_path / "ask.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["r1", "r2", "r3", "r4", "r5", "r7", "p0"]
    assert [row["rank"] for row in rows] == [2, 3, 4, 5, 6, 7, 8]
    assert all(isinstance(row["rank"], int) for row in rows)


def test_where_a_paraphrase_is_asked_label_studio_has_an_answer_to_it(page: Page, tmp_path: Path) -> None:
    assert main(["queue", "export", "tasks.json"]) == 0
    assert "wrong paraphrase" not in (tmp_path / "tasks.xml").read_text()
    asked = tmp_path / "data/runs/20260101-020000/queue.csv"
    asked.write_text(
        asked.read_text("utf-8").replace("p0,the line is slow,uncertain", "p0,the line is slow,paraphrase")
    )
    assert main(["queue", "export", "tasks.json", "--force"]) == 0
    assert (tmp_path / "tasks.xml").read_text().count('<Choice value="wrong paraphrase"/>') == 2, "once a task"


def test_a_line_that_cannot_be_read_stops_an_import_or_is_named(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a workspace whose config names no input goes by the rows and classes of the night that asks."""
    (tmp_path / "ask.jsonl").write_text('{"id": "r0", "intent_answer": "slow"}\n{"id": "r1", "intent_ans\n')
    assert main(["queue", "import", "ask.jsonl"]) == 2
    said = capsys.readouterr().err
    assert "1 answer cannot be taken, so that none of the file is; mend it, or" in said
    assert 'ask.jsonl, line 2: it cannot be read: {"id": "r1", "intent_ans' in said
    assert "unreadable.txt" not in said
    assert main(["queue", "import", "ask.jsonl", "--skip-bad"]) == 0
    said = capsys.readouterr().out
    assert "1 answer on 1 row stored" in said
    assert "1 answer left out:\n  ask.jsonl, line 2: it cannot be read" in said
    (tmp_path / "more.csv").write_text("id,intent_answer\nr9,slow\nr4,slw\n")
    assert main(["queue", "import", "more.csv"]) == 2
    said = capsys.readouterr().err
    assert 'no row "r9"' in said
    assert 'did you mean "slow"?' in said


def test_where_all_is_answered_no_file_is_written(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row_id in page.desk.open_rows:
        page.answer(row_id, "slow")
    assert main(["queue", "export", "ask.csv"]) == 2
    assert (
        "all 8 rows that run 20260101-020000 asks about are answered: tilth run takes them" in capsys.readouterr().err
    )
    assert not (tmp_path / "ask.csv").exists()
