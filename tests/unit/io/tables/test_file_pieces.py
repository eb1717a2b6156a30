"""A file read a piece at a time has the rows of the file read whole, and each line its own number."""

from __future__ import annotations

import gzip
import io
import math
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tilth.errors import InputError, RequestError
from tilth.io import Piece
from tilth.io.tables import file_pieces
from tilth.io.tables.readers import read_rows
from tilth.io.text_files import TextPiece
from tilth.notes import Notes

CSV = "id,text,note\n" + "".join(f'{i},"row {i}, with\na line and ""quotes""",n{i}\n' for i in range(50))
JSONL = "".join(f'{{"id": {i}, "text": "row {i}", "tags": ["a", {i}]}}\n' for i in range(50))


def pieces(name: str, root: Path, piece: int = 200) -> tuple[list[Piece], Notes]:
    notes = Notes()
    return list(file_pieces.read_pieces(name, root, notes, ["text"], piece)), notes


def frame_of(found: list[Piece]) -> pd.DataFrame:
    texts = [part.as_text() for part in found]
    return pd.DataFrame([row for part in texts for row in part.rows], columns=texts[0].columns, dtype=object)


@pytest.mark.parametrize("content", [CSV, "sep=;\n" + CSV.replace(",", ";"), CSV.replace("\n", "\r\n"), CSV[:-1]])
def test_csv_is_cut_between_rows_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.csv").write_text(content, newline="")
    found, notes = pieces("rows.csv", tmp_path)
    assert len(found) > 5
    whole, _ = read_rows("rows.csv", tmp_path, wanted=["text"])
    pd.testing.assert_frame_equal(frame_of(found), whole.astype(object))
    assert notes.found == []


@pytest.mark.parametrize("packed", [False, True])
def test_jsonl_packed_or_not(tmp_path: Path, packed: bool) -> None:
    name = "rows.jsonl.gz" if packed else "rows.jsonl"
    (tmp_path / name).write_bytes(gzip.compress(JSONL.encode()) if packed else JSONL.encode())
    found, _ = pieces(name, tmp_path)
    assert len(found) > 5
    assert frame_of(found)["tags"].tolist() == [["a", i] for i in range(50)]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [f"row {i}" for i in range(50)], "n": pd.array([None, *range(49)], dtype="Int64")})
    frame.to_parquet(tmp_path / "rows.parquet")
    found, _ = pieces("rows.parquet", tmp_path, piece=10 << 10)
    assert [len(part) for part in found] == [10] * 5
    with file_pieces.piece_writer("parquet", tmp_path / "out.parquet") as writer:
        for part in found:
            writer.add(part)
    assert pq.read_table(tmp_path / "out.parquet").schema.field("n").type == "int64"
    assert pq.read_table(tmp_path / "out.parquet")["n"].to_pylist() == [None, *range(49)]


def test_numbers_of_classes_are_read_as_their_names_in_every_piece(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    numbers = [None] * 10 + [0, 1] * 20
    rows = {"text": [f"row {i}" for i in range(50)], "label": numbers}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "rows.parquet")
    found, notes = pieces("rows.parquet", tmp_path, piece=10 << 10)
    assert len(found) == 5
    with file_pieces.piece_writer("parquet", tmp_path / "out.parquet") as writer:
        for part in found:
            writer.add(part)
    written = pq.read_table(tmp_path / "out.parquet")
    assert written["label"].to_pylist() == [None] * 10 + ["no", "yes"] * 20
    (note,) = notes.found
    assert str(note) == (
        'rows.parquet held numbers of classes in 1 column, and is read with the classes\' names (first: column "label")'
    )


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("rows.csv", CSV + "1,2\n", 102),  # a header, 50 rows of two lines each, and this one
        ("rows.jsonl", JSONL + "[1]\n" + JSONL, 51),
    ],
)
def test_a_line_that_cannot_be_read_has_its_own_number(tmp_path: Path, name: str, content: str, line: int) -> None:
    (tmp_path / name).write_text(content)
    found, notes = pieces(name, tmp_path)
    assert [lost.line for lost in notes.unreadable] == [line]
    assert sum(map(len, found)) == (50 if name == "rows.csv" else 100)


def test_a_quote_that_nobody_closes_takes_its_own_line_alone(tmp_path: Path) -> None:
    content = "id,text\n" + "".join(f"{i},{chr(34) if i == 30 else ''}row {i}\n" for i in range(400))
    (tmp_path / "rows.csv").write_text(content)
    found, notes = pieces("rows.csv", tmp_path)
    assert [lost.line for lost in notes.unreadable] == [32]
    assert frame_of(found)["id"].tolist() == [str(i) for i in range(400) if i != 30]


def test_what_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"text\n" + b"fine\n" * 100 + b"caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8 at line 102"):
        pieces("rows.csv", tmp_path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSONL.encode())))
    found, _ = pieces("-", Path())
    assert sum(map(len, found)) == 50


def test_parquet_takes_one_kind_a_column_and_says_so(tmp_path: Path) -> None:
    with file_pieces.piece_writer("parquet", tmp_path / "out.parquet") as writer:
        writer.add(TextPiece(("n",), [{"n": 1}, {"n": 2}]))
        with pytest.raises(RequestError, match=r"give \.jsonl"):
            writer.add(TextPiece(("n",), [{"n": "many"}]))


def test_csv_has_one_header_and_jsonl_rows_that_differ(tmp_path: Path) -> None:
    found = [TextPiece(("n",), [{"n": [1, "é"]}, {}]), TextPiece(("n", "m"), [{"n": math.nan, "m": "=1"}])]
    with file_pieces.piece_writer("csv", tmp_path / "out.csv") as writer:
        writer.add(found[0])
        with pytest.raises(RequestError, match=r'a column "m" begins far below .* give \.jsonl'):
            writer.add(found[1])
    assert (tmp_path / "out.csv").read_text() == 'n\n"[1, ""é""]"\n""\n'
    with file_pieces.piece_writer("jsonl", tmp_path / "out.jsonl") as writer:
        for part in found:
            writer.add(part)
    assert (tmp_path / "out.jsonl").read_text() == '{"n": [1, "é"]}\n{}\n{"n": null, "m": "=1"}\n'


def test_a_package_that_is_lacking_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.DataFrame({"text": ["a"]}).to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"reading rows\.parquet, a Parquet file, takes .* pip install pyarrow"):
        pieces("rows.parquet", tmp_path)
    with pytest.raises(RequestError, match="writing Parquet takes pyarrow"):
        file_pieces.piece_writer("parquet", tmp_path / "out.parquet")
    with pytest.raises(RequestError, match="takes pyarrow and pandas and datasets, which are not installed"):
        pieces("hf:owner/rows", tmp_path)
    assert not (tmp_path / "out.parquet").exists()
