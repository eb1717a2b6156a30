"""`tilth predict` over files, with a model that answers with the first word of a text."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.small_table import make_table
from tilth import cli
from tilth.store import Run, write_table
from tilth.training.export.predictor import Predictor


class FirstWord:
    tasks = ({"name": "intent"},)
    settings: dict[str, Any] = {}  # noqa: RUF012 - of a model of texts alone

    def __call__(self, texts: Sequence[str]) -> list[dict[str, dict[str, Any]]]:
        assert texts
        return [{"intent": {"label": text.split()[0], "confidence": 0.5}} for text in texts]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one promoted run, whose model is the first word, and a file of rows."""
    run = Run.create(tmp_path / "tilth-runs", {"tasks": [], "config": {"data": {"text": "body"}}})
    write_table(run.path / "0-input.parquet", make_table())
    (run.path / "model").mkdir()
    run.promote()
    rows = ["id,body,price", '1,"refund, please",007', "2, ,=1+1", "3,slow net,", "4,too,many,values"]
    (tmp_path / "rows.csv").write_text("\n".join([*rows, ""]))
    monkeypatch.setattr(Predictor, "load", lambda _: FirstWord())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rows_keep_their_columns_and_get_an_answer(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", "--input", "rows.csv", "--out", "out.csv"]) == 0
    assert (here / "out.csv").read_text() == (
        "id,body,price,intent_predicted,intent_predicted_confidence\n"
        '1,"refund, please",007,"refund,",0.5\n'
        "2, ,'=1+1,,\n"
        "3,slow net,,slow,0.5\n"
    )
    told = capsys.readouterr()
    assert told.out == "3 rows of rows.csv: out.csv\n"
    assert "lines that could not be read, and have no answer: 1 (first: rows.csv:5: 4,too,many,values)" in told.err
    assert "rows without a text, and without an answer: 1 (first: row 2)" in told.err


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_other_kinds_hold_the_same(here: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", "--input", "rows.csv", "--out", f"out.{kind}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"out": f"out.{kind}", "rows": 3, "without_text": 1, "unreadable": 1}
    read = pd.read_parquet if kind == "parquet" else lambda path: pd.read_json(path, lines=True, dtype=False)
    found = read(here / f"out.{kind}")
    assert found["price"].tolist() == ["007", "=1+1", ""]
    assert found["intent_predicted"].fillna("none").tolist() == ["refund,", "none", "slow"]


def test_rows_of_standard_input_go_to_standard_output_and_nothing_else(
    here: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = b'{"text": "slow net", "n": 1}\n{"text": "refund", "n": null}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))
    assert cli.main(["predict", "--input", "-", "--text", "text"]) == 0
    answers = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    common = {"intent_predicted_confidence": 0.5}
    assert answers == [
        {"text": "slow net", "n": 1, "intent_predicted": "slow", **common},
        {"text": "refund", "n": None, "intent_predicted": "refund", **common},
    ]


def test_no_text_at_all_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert cli.main(["predict"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (
        "",
        "tilth: standard input is empty, expected one text a line; nothing was answered\n",
    )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("rows.csv", "tilth predict --input rows.csv --out FILE"),
        ("gone.jsonl", "tilth predict --input gone.jsonl --out FILE"),
        ("notes.txt", "tilth predict < notes.txt"),
        ("--out out.csv", "--out, --text, --image and --force go with --input FILE"),
        ("hello --input rows.csv", "give one of them"),
        ("--input rows.csv --out rows.csv", "--force"),
        ("--input rows.csv --out out.csv --text bdy", 'did you mean "body"? (--text COLUMN)'),
        ("--input rows.csv --out out.xlsx", ".csv, .jsonl, .parquet"),
        ("--input rows.csv --out folder", "folder.csv"),
        ("--input rosw.csv --out out.csv", 'did you mean "rows.csv"'),
        ("--input answered.csv --out out.csv --text body", 'a column "intent_predicted" already'),
    ],
)
def test_a_wrong_request_writes_nothing(here: Path, words: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "answered.csv").write_text("body,intent_predicted\na,b\n")
    before = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    assert cli.main(["predict", *words.split()]) == 2
    told = capsys.readouterr()
    assert named in told.err
    assert told.out == ""
    assert {path: path.read_bytes() for path in here.iterdir() if path.is_file()} == before


def test_force_writes_over_even_the_file_that_is_read(here: Path) -> None:
    assert cli.main(["predict", "--input", "rows.csv", "--out", "rows.csv", "--force"]) == 0
    assert (here / "rows.csv").read_text().startswith("id,body,price,intent_predicted,")


def test_what_was_written_is_read_again_with_its_formulas(here: Path) -> None:
    from tilth.io.tables.readers import read_rows

    assert cli.main(["predict", "--input", "rows.csv", "--out", "out.csv"]) == 0
    assert read_rows("out.csv", here)[0]["price"].tolist() == ["007", "=1+1", ""]
