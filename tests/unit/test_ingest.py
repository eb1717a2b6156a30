from pathlib import Path

import pandas as pd
import pytest

from tilth.config import load
from tilth.errors import InputError
from tilth.ingest import Ingested, ingest
from tilth.reading import read_rows


def read(
    tmp_path: Path, text: str | bytes, *, name: str = "in.csv", gold: str | None = None, **data: object
) -> Ingested:
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(raw)
    overrides: dict[str, object] = {"data.input": [name], "tasks": [{"name": "label"}]}
    if gold is not None:
        (tmp_path / "gold.csv").write_text(gold, encoding="utf-8")
        overrides["data.gold"] = "gold.csv"
    return ingest(load(None, {**overrides, **data}, {}), tmp_path)


def test_rows_labels_and_kept_columns_arrive(tmp_path: Path) -> None:
    found = read(tmp_path, "id,text,label,who\n1, hi there ,a,Ann\n2,bye,,Bob\n", gold="id,text,label\n9,hello,a\n")
    frame = found.samples.to_pandas()
    assert frame["text"].tolist() == ["hi there", "bye", "hello"]
    assert frame["split"].tolist() == ["train", "unlabeled", "gold"]
    assert frame["meta.who"].tolist()[:2] == ["Ann", "Bob"]
    assert found.tasks[0].labels == ("a",)


def test_rows_without_an_id_get_one_by_content_and_occurrence(tmp_path: Path) -> None:
    ids = read(tmp_path, "text,label\nsame,a\nsame,b\nother,a\n").samples["id"][:]
    assert ids[0].removesuffix("-1") == ids[1].removesuffix("-2") != ids[2].removesuffix("-1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"text,label\n", "no rows"),
        (b"body,label\nhi,a\n", r"no column \"text\".*body"),
        (b"text,tag\nhi,a\n", r"no column \"label\".*tag"),
        (b"text,label\ncaf\xe9,a\n", "not UTF-8 at line 2"),
        (b"id,text,label\n1,a,x\n1,b,y\n", "repeated, for example 1"),
        (b"text,label\n  ,a\n,b\n", "no usable row"),
        (b"text,label\nhi,\n", "declare its classes"),
    ],
)
def test_a_wrong_file_is_a_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, content)
    assert caught.value.exit_status == 2


def test_a_missing_file_names_its_neighbor(tmp_path: Path) -> None:
    (tmp_path / "inbox.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match=r'did you mean "inbox\.csv"'):
        ingest(load(None, {"data.input": ["inbx.csv"], "tasks": [{"name": "label"}]}, {}), tmp_path)


def test_broken_lines_and_nul_bytes_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = read(tmp_path, b"text,label\ngood,a\nbad,b,c,d\nnul\x00here,a\n")
    assert found.samples["text"][:] == ["good", "nulhere"]
    assert found.notes == {"unreadable_lines": 1, "control_characters_removed": 1}


def test_jsonl_is_read_line_by_line(tmp_path: Path) -> None:
    found = read(tmp_path, '{"text": "a", "label": "x"}\nnonsense\n{"text": "b"}\n', name="in.jsonl")
    assert found.samples.num_rows == 2
    assert found.notes == {"unreadable_lines": 1}


def test_no_label_at_all_goes_on_where_the_classes_are_declared(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\nhello\n", encoding="utf-8")
    overrides = {"data.input": ["in.csv"], "tasks": [{"name": "label", "labels": ["a", "b"]}]}
    assert ingest(load(None, overrides, {}), tmp_path).samples["split"][:] == ["unlabeled"]


def test_a_gold_fraction_is_locked_away_for_good(tmp_path: Path) -> None:
    rows = "text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(40))
    first = read(tmp_path, rows, **{"data.gold_fraction": 0.25}).samples.to_pandas()
    assert first[first["split"] == "gold"]["label_given"].value_counts().to_dict() == {"a": 5, "b": 5}


def test_a_parent_outside_its_labels_is_no_parent(tmp_path: Path) -> None:
    rows = "text,area,intent\n" + "one,bankk,card\n" * 3 + "two,music,song\n"
    tasks = ({"name": "area", "labels": ["bank", "music"]}, {"name": "intent", "parent": "area"})
    found = read(tmp_path, rows, tasks=tasks)
    assert dict(found.tasks[1].parent_of) == {"song": "music"}
    assert found.samples.to_pandas()["area"].isna().sum() == 3


def test_gold_that_is_locked_away_says_nothing_of_parents(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [f"text {n}" for n in range(40)], "intent": ["x", "y"] * 20, "area": "a"})
    tasks = ({"name": "area"}, {"name": "intent", "parent": "area"})
    first = read(tmp_path, frame.to_csv(index=False), tasks=tasks, **{"data.gold_fraction": 0.5})
    locked = first.samples.to_pandas()["split"].eq("gold")
    frame.loc[locked.to_numpy(), "area"] = "b"
    frame.loc[(~locked & frame["intent"].eq("x")).to_numpy().nonzero()[0][:1], "area"] = "b"
    again = read(tmp_path, frame.to_csv(index=False), tasks=tasks, **{"data.gold_fraction": 0.5})
    assert again.samples.to_pandas()["split"].eq("gold").tolist() == locked.tolist()
    assert dict(again.tasks[1].parent_of) == {"x": "a", "y": "a"}


def test_jsonl_keeps_other_ends_of_lines_and_mends_half_characters(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a\u2028b \\ud83d", "label": "x"}\n', encoding="utf-8")
    notes: dict[str, int] = {}
    frame, _ = read_rows("rows.jsonl", tmp_path, notes)
    assert frame["text"].tolist() == ["a\u2028b \ufffd"]
    assert not notes.get("unreadable_lines")


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several columns are called \['text'\]"):
        read(tmp_path, "text,text ,label\na,b,x\n")
