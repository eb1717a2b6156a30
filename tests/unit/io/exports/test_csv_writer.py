from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pandas as pd
import pytest

from tilth.io import write_csv
from tilth.text import unescape_formula

CELLS = [
    *('=HYPERLINK("http://bad.example","click")', "+1 555 0100", "-5 degrees", "@user hello", "\tx", "\r=1", "=1\n=2"),
    *("'quoted'", "'=1", "''=1", "'", "''", "'tis", "a = b", 'she said "=1"', "", " =1", "9", "naïve, café; ok"),
]


def cells_of(path: Path) -> list[list[str]]:
    """The cells as a spreadsheet would see them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_no_cell_that_is_written_begins_as_a_formula_and_each_comes_back(tmp_path: Path) -> None:
    signs = ["".join(pair) for pair in itertools.product("'=+-@\t\r a", repeat=3)]
    texts = [*CELLS, *signs]
    frame = pd.DataFrame({"=text": texts, "n": [-5.5] * len(texts)})
    write_csv(frame, tmp_path / "out.csv")
    header, *rows = cells_of(tmp_path / "out.csv")
    assert header == ["'=text", "n"]
    assert not [row[0] for row in rows if row[0][:1] in {"=", "+", "-", "@", "\t", "\r"}]
    assert [unescape_formula(row[0]) for row in rows] == texts
    assert {row[1] for row in rows} == {"-5.5"}, "a number is no formula"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+2", "'=1+2"),
        ("-5 degrees", "'-5 degrees"),
        ("@user", "'@user"),
        ("\tx", "'\tx"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_what_is_written_by_hand(tmp_path: Path, cell: str, written: str) -> None:
    frame = pd.DataFrame({"text": pd.Series([cell, None], dtype=object), "kind": pd.Categorical([cell, None])})
    write_csv(frame, tmp_path / "out.csv")
    assert cells_of(tmp_path / "out.csv") == [["text", "kind"], [written, written], ["", ""]]
    assert frame["text"].tolist() == [cell, None], "the frame itself stays as it is"
