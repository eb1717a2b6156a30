"""Gates over a night's figures: what is read, what holds, and what is wrong with a condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.small_table import make_table
from tilth import cli
from tilth.errors import RequestError
from tilth.reports import failed_gates, parse_gate
from tilth.store import Run, write_table

RECORD: dict[str, Any] = {
    "status": "completed",
    "promoted": False,
    "seconds": 12.5,
    "gold": {"rows": 200, "intent": {"macro_f1": 0.85, "accuracy": 0.9}},
    "model": None,
    "stages": [{"name": "cleaning", "quarantined": {"junk": 3}}, {"name": "training", "quarantined": {}}],
}
REPORT: dict[str, Any] = {"rows": {"active": 940}, "status": "of the report"}


def failed(*texts: str) -> list[str]:
    return failed_gates([parse_gate(text) for text in texts], RECORD, REPORT)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("gold.intent.macro_f1 < 0.9", True),
        ("gold.intent.macro_f1<0.85", False),
        ("gold.intent.macro_f1 <= 0.85", True),
        ("rows.active >= 941", False),
        ("stages.cleaning.quarantined.junk > 2", True),
        ("stages.training.quarantined.junk > 0", False),  # a reason that there was not is none
        ("promoted == false", True),
        ("promoted != false", False),
        ("status == completed", True),
        ('status != "completed"', False),
        ("seconds > 1e1", True),
    ],
)
def test_a_condition_that_holds_fails_the_night(text: str, holds: bool) -> None:
    assert bool(failed(text)) is holds


def test_each_that_fails_is_told_with_its_figure() -> None:
    assert failed("gold.rows < 300", "gold.rows > 300", "gold.intent.accuracy < 0.95") == [
        "gold.rows < 300: it is 200",
        "gold.intent.accuracy < 0.95: it is 0.9",
    ]


def test_what_the_night_does_not_have_meets_no_gate() -> None:
    assert failed("model.bytes > 5") == ["model.bytes > 5: cannot be checked: model is empty in this run"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gold.intent.macrof1 < 0.9", r"no gold.intent.macrof1; did you mean gold.intent.macro_f1\?"),
        ("gold.intent.zzzzzzzz < 0.9", "below gold.intent are macro_f1, accuracy"),
        ("gould.intent.macro_f1 < 0.9", r"did you mean gold\?"),
        ("gold.intent < 0.9", "gold.intent is a section; it holds macro_f1, accuracy"),
        ("stages < 3", "stages is a list; it holds cleaning, training"),
        ("status < 3", "status is 'completed'"),
        ("gold.rows", "expected a key, a comparison and a value"),
        ("gold.rows < ", "expected a key, a comparison and a value"),
        ("gold.rows < many", "expected a number behind <, found many"),
        ("gold.rows == __import__('os').system('x')", "expected a number, true, false or a word behind =="),
    ],
)
def test_a_wrong_condition_names_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        failed(text)


def test_the_status_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.create(tmp_path, {"tasks": [], "inputs": [], "stages": []})
    write_table(run.path / "0-input.parquet", make_table())
    told = str(run.path)
    assert cli.main(["report", told, "--fail-on", "rows.input < 1"]) == 0
    assert cli.main(["report", told, "--fail-on", "rows.input < 1", "--fail-on", "rows.input == 12"]) == 3
    said = capsys.readouterr()
    assert said.err == "tilth: gate not met: rows.input == 12: it is 12\n"
    assert said.out.count("report.html") == 2
    assert cli.main(["report", told, "--fail-on", "rows.inputs < 1"]) == 2
    assert "did you mean rows.input?" in capsys.readouterr().err
