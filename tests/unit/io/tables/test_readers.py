"""Files that hold something else than they seem to, and what a person is told of it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tilth.errors import InputError
from tilth.io import text_files, write_csv
from tilth.io.tables.file_pieces import read_pieces
from tilth.io.tables.readers import read_rows
from tilth.notes import Notes


def rows(tmp_path: Path, content: bytes | str, name: str = "rows.csv", *wanted: str) -> tuple[pd.DataFrame, Notes]:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    notes = Notes()
    return read_rows(name, tmp_path, notes, wanted or ("text", "label"))[0], notes


@pytest.mark.parametrize("blank", ["\n", "   \n", "\r\n", "\n\n"])
def test_a_blank_first_line_is_refused_with_the_line_where_the_names_stand(tmp_path: Path, blank: str) -> None:
    first = blank.count("\n") + 1
    with pytest.raises(InputError, match=rf"line 1 is blank.*in line {first};.*tail -n \+{first} rows\.csv"):
        rows(tmp_path, f"{blank}text,label\nhi,a\n")


@pytest.mark.parametrize("size", [20, 40_000])
def test_a_quote_that_opens_among_the_names_is_told(tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match="opens in line 1"):
        rows(tmp_path, 'text,"label\n' + "hello there,a\n" * size)


def test_typographic_quotes_cost_a_row_and_the_message_says_why(tmp_path: Path) -> None:
    found, notes = rows(tmp_path, "text,label\n“hello, you”,a\nhi,b\n“well, well”,a\n")
    assert found["text"].tolist() == ["hi"]
    note = notes.found[0]
    assert (note.kind, note.count, note.first) == ("unreadable_lines", 2, "rows.csv, line 2")
    assert "“ and ” are no quotes" in note.message
    assert [str(line) for line in notes.unreadable] == ["rows.csv:2: “hello, you”,a", "rows.csv:4: “well, well”,a"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", 'id;text;label;price, EUR\n1;"well, yes";a;1,5\n'),
        ("rows.csv", "text|label\nwell, yes|a\n"),
        ("rows.csv", "sep=;\ntext;label\nwell, yes;a\n"),
        ("rows.csv", "text\tlabel, as given\twhen; where\nwell, yes\ta\tnow\n"),
        ("rows.tsv", 'text,label\n"well, yes",a\n'),
    ],
)
def test_the_separator_is_the_one_that_finds_the_columns(tmp_path: Path, name: str, content: str) -> None:
    found, notes = rows(tmp_path, content, name)
    assert found["text"].tolist() == ["well, yes"]
    assert notes.found == []


def test_lines_are_counted_below_the_line_that_names_the_separator(tmp_path: Path) -> None:
    _, notes = rows(tmp_path, "sep=;\ntext;label\nfine;a\nbroken\n")
    assert notes.unreadable[0].line == 4


def test_what_gzip_packed_is_read_whatever_its_name(tmp_path: Path) -> None:
    packed = gzip.compress(b"text,label\nhello,a\n")
    for name in ("rows.csv", "rows.csv.gz"):
        assert rows(tmp_path, packed, name)[0]["text"].tolist() == ["hello"]
    with pytest.raises(InputError, match="packed by gzip, but not whole"):
        rows(tmp_path, packed[:-9])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 and so on", "ZIP archive or an Excel workbook.*CSV UTF-8"),
        (bz2.compress(b"text,label\n"), r"compressed by bzip2.*bunzip2 rows\.csv"),
    ],
)
def test_other_kinds_are_called_by_their_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows(tmp_path, content)


def test_an_array_of_json_is_told_from_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"jq -c '\.\[\]' rows\.jsonl"):
        rows(tmp_path, json.dumps([{"text": "a"}, {"text": "b"}], indent=1).replace("{", "\n{ "), "rows.jsonl")


@pytest.mark.parametrize("line", ["[" * 100_000, '{"id": ' + "1" * 5000 + "}"])
def test_a_line_that_json_cannot_hold_is_left_out_alone(tmp_path: Path, line: str) -> None:
    found, notes = rows(tmp_path, f'{{"text": "a"}}\n{line}\n', "rows.jsonl")
    assert found["text"].tolist() == ["a"]
    assert [one.line for one in notes.unreadable] == [2]


def test_columns_without_a_name_are_told(tmp_path: Path) -> None:
    found, notes = rows(tmp_path, ",text,label\n0,hi,a\n")
    assert list(found) == ["text", "label"]
    assert (notes.found[0].kind, notes.found[0].count, notes.found[0].first) == (
        "columns_without_a_name",
        1,
        "column 1",
    )


def test_parquet_of_datasets_says_what_its_numbers_are_called(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"]), "n": Value("int64")})
    Dataset.from_dict({"text": list("abcd"), "label": [1, 0, -1, 1], "n": [1, 2, 3, -1]}, features=features).to_parquet(
        tmp_path / "made.parquet"
    )
    found, notes = rows(tmp_path, (tmp_path / "made.parquet").read_bytes(), "rows.parquet")
    assert found["label"].tolist() == ["yes", "no", None, "yes"]
    assert found["n"].tolist() == [1, 2, 3, -1]
    note = notes.found[0]
    assert (note.kind, note.count, note.first) == ("numbers_without_a_class", 1, "rows.parquet, row 3")


@pytest.mark.parametrize("metadata", [b"not JSON", b"[]", b'{"info": null}'])
def test_parquet_with_other_metadata_is_read_as_it_stands(tmp_path: Path, metadata: bytes) -> None:
    table = pa.table({"text": ["a"], "label": [-1]}).replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, tmp_path / "made.parquet")
    assert rows(tmp_path, (tmp_path / "made.parquet").read_bytes(), "rows.parquet")[0]["label"].tolist() == [-1]


def test_an_id_that_pandas_made_the_index_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["x", "y"], "text": ["a", "b"], "label": "c"}).set_index("id")
    frame.to_parquet(tmp_path / "rows.parquet")
    assert read_rows("rows.parquet", tmp_path)[0]["id"].tolist() == ["x", "y"]
    frame.reset_index()[lambda table: table["id"] == "y"].to_parquet(tmp_path / "rows.parquet")
    assert sorted(read_rows("rows.parquet", tmp_path)[0]) == ["id", "label", "text"]


def test_texts_that_are_bytes_are_texts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["é".encode(), None], "label": [b"a", b"b"]}), tmp_path / "rows.parquet")
    assert read_rows("rows.parquet", tmp_path)[0]["text"].dropna().tolist() == ["é"]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_standard_input_is_what_it_holds(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"text": ["well, yes"], "label": ["a"]})
    data = io.BytesIO()
    if name.endswith(".parquet"):
        frame.to_parquet(data)
    else:
        data.write((frame.to_csv(index=False) if name.endswith(".csv") else '{"text": "well, yes"}\n').encode())
    data.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    assert read_rows("-", tmp_path)[0]["text"].tolist() == ["well, yes"]
    with pytest.raises(InputError, match="standard input is empty; it can be read once"):
        read_rows("-", tmp_path)


def test_standard_input_without_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(InputError, match="nothing is piped in"):
        read_rows("-", tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("https://example.org/rows.csv", r'curl -L "https://example\.org/rows\.csv" > rows\.csv'),
        ("s3://bucket/rows.csv", r"PROGRAM-THAT-READS s3://bucket/rows\.csv > rows\.csv"),
    ],
)
def test_an_address_is_refused_where_a_file_is_read_a_piece_at_a_time(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        text_files.content(name, tmp_path)


def test_the_page_of_a_data_set_is_no_address_of_its_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is named hf:legacy-datasets/banking77"):
        read_rows("https://huggingface.co/datasets/legacy-datasets/banking77/viewer", tmp_path)


def test_a_folder_is_refused_with_a_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"is a folder; name a file, for example data/train\.parquet"):
        read_rows("data", tmp_path)


QUEUE = {
    "rank": [1],
    "id": ["=1"],
    "text": ["=SUM(A1)"],
    "label_suggested": ["-x"],
    "score": [0.5],
    "label_answer": [""],
}
EXPORT = {"id": ["1"], "text": ["'=1"], "label": ["@a"], "label_weight": [1.0], "label_origin": ["given"]}


@pytest.mark.parametrize("columns", [QUEUE, {**EXPORT, "source": ["input"], "parent_id": ["+x"], "=meta": ["=2"]}])
def test_what_tilth_wrote_comes_back_as_it_was(tmp_path: Path, columns: dict[str, Any]) -> None:
    write_csv(pd.DataFrame(columns), tmp_path / "out.csv")
    assert b"'" in (tmp_path / "out.csv").read_bytes()
    found, _ = rows(tmp_path, (tmp_path / "out.csv").read_bytes())
    assert found.to_dict("list") == {name: [str(value) for value in values] for name, values in columns.items()}


def test_an_apostrophe_that_a_person_wrote_stays(tmp_path: Path) -> None:
    found, _ = rows(tmp_path, "id,text,label\n1,'=SUM(A1),a\n")
    assert found["text"].tolist() == ["'=SUM(A1)"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.csv", "text\tlabel\nGrüße\ta\nhi\tb\n"), ("rows.jsonl", '{"text": "Grüße"}\n{"text": "hi"}\n')],
)
def test_utf_16_with_its_mark_is_read_and_told(tmp_path: Path, encoding: str, name: str, content: str) -> None:
    frame, notes = rows(tmp_path, f"\ufeff{content}".encode(encoding), name)
    assert frame["text"].tolist() == ["Grüße", "hi"]
    assert [str(note) for note in notes.found] == [f"{name} is UTF-16, not UTF-8, and is read as such"]
    in_pieces = Notes()
    (piece,) = read_pieces(name, tmp_path, in_pieces, ("text",))
    assert piece.values("text") == ["Grüße", "hi"]
    assert in_pieces.found == notes.found


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("\ufefftext\nhi\n".encode("utf-16-le")[:-1], r"UTF-16 by its byte order mark, but not at byte 16"),
        ("\ufefftext\nhi\n".encode("utf-32-le"), r"not UTF-8 at line 1 .*iconv -f utf-32"),
        ("text\nGrüße\n".encode("latin1"), r"not UTF-8 at line 2 .*iconv -f latin1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text file, for it holds zero bytes; expected CSV or JSONL"),
    ],
)
def test_other_encodings_are_refused_with_the_fix(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        rows(tmp_path, content)
