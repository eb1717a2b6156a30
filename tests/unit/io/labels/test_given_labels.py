"""Labels that are not what they look like: cleaned, taken apart, or named for a person to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.unit.io.test_ingestion import read, told
from tilth.errors import InputError


def given(found: object) -> list[str | None]:
    column = found.samples["label_given"]  # type: ignore[attr-defined]
    return list(column)


def test_labels_are_cleaned_and_alike_ones_are_named_but_stay_apart(tmp_path: Path) -> None:
    labels = ["Refund", "refund", "refund ", "REFUND", "refund\u00a0", "re  fund", "refund\u200b", "refu\u00adnd"]
    found = read(tmp_path, "text,label\n" + "".join(f"text {n},{label}\n" for n, label in enumerate(labels)))
    assert given(found) == ["Refund", "refund", "refund", "REFUND", "refund", "re  fund", "refund", "refund"]
    assert told(found) == {"labels_cleaned": (4, "in.csv, row 3"), "classes_alike": (3, "in.csv, row 1")}
    assert '"refund", "Refund", "REFUND", "re  fund"' in found.notes[1].message


def test_composed_and_decomposed_letters_are_one_label(tmp_path: Path) -> None:
    assert read(tmp_path, "text,label\na,caf\u00e9\nb,cafe\u0301\n").tasks[0].labels == ("caf\u00e9",)


def test_spaces_alone_are_no_label_and_words_for_nothing_are_named(tmp_path: Path) -> None:
    rows = "text,label\none,\u00a0\ntwo,\u200b\nthree,a\nfour,\nfive,-\nsix,?\nseven,N/A\n"
    found = read(tmp_path, rows)
    assert given(found) == [None, None, "a", None, "-", "?", "N/A"]
    assert told(found) == {"labels_of_spaces": (2, "in.csv, row 1"), "labels_that_may_mean_none": (3, "in.csv, row 5")}
    declared = read(tmp_path, rows, tasks=[{"name": "label", "labels": ["a", "-", "?", "N/A"]}])
    assert set(told(declared)) == {"labels_of_spaces"}


@pytest.mark.parametrize(
    ("labels", "named"),
    [(["0", "1", "-1"], True), (["1", "-1"], False), (["-2", "-1", "0"], False)],
)
def test_minus_one_beside_classes_that_count_from_zero_is_named(tmp_path: Path, labels: list[str], named: bool) -> None:
    found = read(tmp_path, "text,label\n" + "".join(f"text {label},{label}\n" for label in labels))
    assert ("labels_that_may_mean_none" in told(found)) is named


def test_whole_numbers_are_one_class_however_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("text,label\nc,0.0\nd,2.0\n", encoding="utf-8")
    found = read(
        tmp_path, "text,label\na,1\nb,2\n", gold="text,label\ng,2.0\n", **{"data.input": ["in.csv", "more.csv"]}
    )
    assert found.tasks[0].labels == ("0", "1", "2")
    assert given(found)[-1] == "2"
    assert told(found)["labels_with_a_point"] == (3, "more.csv, row 1")


def test_numbers_beside_gaps_are_whole(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [7.0, 8.0, None], "text": ["a", "b", "c"], "label": [None, 1.0, 0.0]})
    frame.to_parquet(tmp_path / "made.parquet")
    found = read(tmp_path, (tmp_path / "made.parquet").read_bytes(), name="in.parquet")
    assert given(found) == [None, "1", "0"]
    assert found.samples["id"][:2] == ["7", "8"]
    assert told(found) == {
        "ids_with_a_point": (2, "in.parquet, row 1"),
        "rows_without_an_id": (1, "in.parquet, row 3"),
        "labels_with_a_point": (2, "in.parquet, row 2"),
    }


@pytest.mark.parametrize("labels", [["1.0", "1.1", "2.0"], ["1.0", "a"]])
def test_versions_keep_their_points(tmp_path: Path, labels: list[str]) -> None:
    found = read(tmp_path, "text,label\n" + "".join(f"text {label},{label}\n" for label in labels))
    assert given(found) == labels


def test_a_gold_label_does_not_decide_what_train_labels_are_called(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\na,1.0\nb,2.0\n", gold="text,label\ng,1.5\n")
    assert found.tasks[0].labels == ("1", "2")


def test_declared_classes_say_whether_a_number_has_a_point(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\na,1.0\n", tasks=[{"name": "label", "labels": ["1.0", "2.0"]}])
    assert given(found) == ["1.0"]
    assert told(found) == {}


@pytest.mark.parametrize("cell", ['{"choices": ["pos", "new"]}', '["pos", "new"]', "['pos', 'new']", '{"a": "b"}'])
def test_several_labels_in_a_cell_are_refused_as_in_jsonl(tmp_path: Path, cell: str) -> None:
    quoted = cell.replace('"', '""')
    with pytest.raises(InputError, match=r'in\.csv, row 1: column "label" holds .*; expected one label a row'):
        read(tmp_path, f'text,label\nhi,"{quoted}"\n')


def test_one_label_in_a_list_is_that_label(tmp_path: Path) -> None:
    cells = ['{"choices": ["pos"]}', '[{"choices": ["neg"]}]', "['pos']", "[]", "[other]", "{x}"]
    found = read(tmp_path, pd.DataFrame({"text": list("abcdef"), "label": cells}).to_csv(index=False))
    assert given(found) == ["pos", "neg", "pos", None, "[other]", "{x}"]
    assert told(found)["labels_in_lists"] == (4, "in.csv, row 1")
    rows = [{"text": "a", "label": ["pos"]}, {"text": "b", "label": {"choices": ["neg"]}}]
    assert given(read(tmp_path, "\n".join(map(json.dumps, rows)), name="in.jsonl")) == ["pos", "neg"]


def test_values_that_are_no_text_are_told(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": True}, {"text": "b", "label": "x"}]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)), name="in.jsonl")
    assert given(found) == ["True", "x"]
    assert told(found) == {"labels_of_another_type": (1, "in.jsonl, row 1")}


def test_labels_that_no_declared_class_has_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\nhi,a\nho,B\n", tasks=[{"name": "label", "labels": ["a", "b"]}])
    assert told(found) == {"labels_of_no_class": (1, "in.csv, row 2")}


def test_what_prodigy_users_rejected_is_no_label(tmp_path: Path) -> None:
    lines = [
        {"text": "one", "label": "a", "answer": "accept"},
        {"text": "two", "label": "a", "answer": "reject"},
        {"text": "three", "label": "b", "answer": "ignore"},
    ]
    found = read(tmp_path, "\n".join(map(json.dumps, lines)), name="in.jsonl")
    assert given(found) == ["a", None, None]
    assert told(found) == {"answers_rejected": (2, "in.jsonl, row 2")}


def test_a_column_of_answers_that_is_not_prodigys_says_nothing_of_labels(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label,answer\na,x,reject\nb,y,dunno\n")
    assert given(found) == ["x", "y"]
    assert told(found) == {}
