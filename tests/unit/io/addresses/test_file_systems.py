"""Inputs by pattern, by address, by query and from a workbook."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tilth.config import load
from tilth.errors import InputError
from tilth.io.addresses import expand
from tilth.io.ingestion import Ingested, ingest
from tilth.io.tables.readers import read_rows
from tilth.notes import Notes

ROWS = "id,text,intent\n1,no line,outage\n2,no light,outage\n3,money back,refund\n4,my money,refund\n"


def ingested(root: Path, **data: Any) -> Ingested:
    settings = load(None, {"tasks": [{"name": "intent"}], **{f"data.{key}": value for key, value in data.items()}}, {})
    return ingest(settings, root)


def test_a_pattern_names_each_file_once_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "deep/c.csv", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert expand(["*.csv", "a.csv", "-", "hf:me/x"], tmp_path) == ["a.csv", "b.csv", "-", "hf:me/x"]
    assert expand(["**/*.csv"], tmp_path) == ["a.csv", "b.csv", "deep/c.csv"]
    assert expand([f"{tmp_path}/[ab].csv"], Path("/")) == [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"]
    with pytest.raises(InputError, match=r'no file matches this pattern; did you mean "a.csv"'):
        expand(["a*.cvs"], tmp_path)


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows[1].csv").touch()
    assert expand(["rows[1].csv"], tmp_path) == ["rows[1].csv"]


def test_rows_at_an_address_are_read_and_patterns_of_addresses_too(tmp_path: Path, memory: Any) -> None:
    memory.pipe({"/inbox/1.csv": ROWS.encode(), "/inbox/2.csv": b"id,text,intent\n5,hi,refund\n"})
    found = ingested(tmp_path, input=["memory://inbox/*.csv"])
    assert found.samples["id"][:] == ["1", "2", "3", "4", "5"]
    assert [item["path"] for item in found.inputs] == ["memory:///inbox/1.csv", "memory:///inbox/2.csv"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("memory://nowhere/rows.csv", "there is no such file"),
        ("htps://host/rows.csv", 'nothing reads htps:// addresses; did you mean "https"'),
        ("sftp://127.0.0.1/rows.csv", "needs one more package.*paramiko"),
        ("https://huggingface.co/datasets/me/rows", "is named hf:me/rows"),
    ],
)
def test_an_address_that_cannot_be_read_says_why(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_rows(address, tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("create table inbox (id text, text text, intent text)")
        rows = [line.split(",") for line in ROWS.splitlines()[1:]]
        connection.executemany("insert into inbox values (?, ?, ?)", rows)
    connection.close()
    return tmp_path


def test_the_rows_of_a_query_are_input(database: Path) -> None:
    (database / "more.csv").write_text("id,text,intent\n5,hi,refund\n")
    found = ingested(database, input=["more.csv"], sql="select * from inbox", database="sqlite:///rows.db")
    assert found.samples["id"][:] == ["5", "1", "2", "3", "4"]
    assert found.inputs[-1]["path"] == "[data] sql"
    again = ingested(database, sql="select * from inbox where id < 5", database="sqlite:///rows.db")
    assert again.inputs[-1]["sha256"] == found.inputs[-1]["sha256"]


def test_a_duckdb_file_is_asked_as_well(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(tmp_path / "rows.duckdb")) as connection:
        connection.execute("create table inbox as select 1 as id, 'no line' as text, 'outage' as intent")
    found = ingested(tmp_path, sql="select * from inbox", database="duckdb:///rows.duckdb")
    assert (found.samples["id"][:], found.samples["text"][:]) == (["1"], ["no line"])


@pytest.mark.parametrize(
    ("sql", "address", "words"),
    [
        ("select 1", None, "needs data.database"),
        ("select 1", "rows.db", "is no address of a database"),
        ("select 1", "sqlite:///row.db", 'no file .*row.db; did you mean "rows.db"'),
        ("select * from inbx", "sqlite:///rows.db", "was refused by sqlite:.*no such table: inbx"),
        ("select 1", "oraclle://x", 'nothing here talks to "oraclle"'),
    ],
)
def test_a_query_that_cannot_be_asked_says_why(database: Path, sql: str, address: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ingested(database, sql=sql, database=address)


def test_a_password_is_in_no_record() -> None:
    settings = load(None, {"data.database": "postgresql://me:secret@host/rows"}, {})
    assert settings.model_dump(mode="json")["data"]["database"] == "postgresql://me:…@host/rows"


def test_the_first_filled_sheet_of_a_workbook_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("notes").append(["what"])
    sheet = book.create_sheet("inbox")
    for row in (["id", "text", "intent"], [1, "no line", "outage"], [2, "money back", "refund"]):
        sheet.append(row)
    more = book.create_sheet("old")
    more.append(["id"])
    more.append([7])
    book.save(tmp_path / "rows.xlsx")
    notes = Notes()
    frame, _ = read_rows("rows.xlsx", tmp_path, notes)
    assert frame.to_numpy().tolist() == [[1, "no line", "outage"], [2, "money back", "refund"]]
    (note,) = notes.found
    assert note.message == (
        'of rows.xlsx the sheet "inbox" is read, and "old" not; save the others as files of their own'
    )
    (tmp_path / "torn.xlsx").write_bytes((tmp_path / "rows.xlsx").read_bytes()[:300])
    with pytest.raises(InputError, match="no Excel workbook that can be read"):
        read_rows("torn.xlsx", tmp_path)


def test_words_of_a_workbook_that_may_mean_none_are_words_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["text", "label"], ["NA", "None"], ["null", None]):
        book.active.append(row)
    book.save(tmp_path / "rows.xlsx")
    frame, _ = read_rows("rows.xlsx", tmp_path)
    assert frame["text"].tolist() == ["NA", "null"]
    assert frame["label"].iloc[0] == "None"
    assert frame["label"].isna().tolist() == [False, True]
