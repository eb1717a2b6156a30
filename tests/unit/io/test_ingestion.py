import json
from pathlib import Path

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tilth.config import load, parse_tasks
from tilth.errors import InputError
from tilth.io.ingestion import Ingested, ingest
from tilth.io.tables.readers import read_rows
from tilth.notes import Notes
from tilth.samples import changed_columns, from_pandas, to_pandas


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


def told(found: Ingested) -> dict[str, tuple[int, str]]:
    """Of each kind of note, how many it is about and where the first of them stands."""
    return {note.kind: (note.count, note.first) for note in found.notes}


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


def test_a_comma_in_a_columns_name_is_told_with_the_right_form(tmp_path: Path) -> None:
    content = 'text,"price, EUR"\nhi,1\n'
    with pytest.raises(InputError, match="--label '\"price, EUR\"', in quotes"):
        read(tmp_path, content, tasks=parse_tasks("price, EUR"))
    assert read(tmp_path, content, tasks=parse_tasks('"price, EUR"')).tasks[0].labels == ("1",)


def test_a_column_of_labels_that_a_file_lacks_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\nhi,a\n", gold="text,Label\nhello,a\nho,a\n")
    assert told(found)["label_column_missing"] == (2, "gold.csv")
    assert 'did you mean "label"' in next(note.message for note in found.notes)


def test_ids_in_a_column_of_another_case_are_told(tmp_path: Path) -> None:
    assert told(read(tmp_path, "ID,text,label\n1,hi,a\n")) == {"id_column_of_another_name": (1, "in.csv")}


def test_texts_that_say_nothing_are_told(tmp_path: Path) -> None:
    lines = [{"text": " \u200b"}, {"text": "NaN"}, {"text": ["a"]}, {"text": "fine", "label": "a"}]
    found = read(tmp_path, "\n".join(map(json.dumps, lines)), name="in.jsonl")
    assert found.samples["text"][:] == ["", "NaN", "['a']", "fine"]
    assert told(found) == {
        "texts_of_another_type": (1, "in.jsonl, row 3"),
        "rows_without_a_text": (1, "in.jsonl, row 1"),
        "texts_that_may_mean_none": (1, "in.jsonl, row 2"),
    }


def test_paraphrases_of_an_export_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "id,text,label,source,parent_id\n1,hi,a,input,\n2,ho,a,paraphrase,1\n")
    assert told(found) == {"paraphrases_of_an_earlier_night": (1, "in.csv, row 2")}


def test_a_missing_file_names_its_neighbor(tmp_path: Path) -> None:
    (tmp_path / "inbox.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match=r'did you mean "inbox\.csv"'):
        ingest(load(None, {"data.input": ["inbx.csv"], "tasks": [{"name": "label"}]}, {}), tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _path, _mode: False)  # root may read all
    with pytest.raises(InputError, match=r'input "in\.csv" cannot be read .*chmod u\+r .*in\.csv'):
        read(tmp_path, "text,label\nhi,a\n")


def test_broken_lines_and_nul_bytes_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = read(tmp_path, b"text,label\ngood,a\nbad,b,c,d\nnul\x00here,a\n")
    assert found.samples["text"][:] == ["good", "nulhere"]
    assert told(found) == {
        "unreadable_lines": (1, "in.csv, line 3"),
        "control_characters_removed": (1, "in.csv, row 2"),
    }
    assert [str(line) for line in found.unreadable] == ["in.csv:3: bad,b,c,d"]


def test_jsonl_is_read_line_by_line(tmp_path: Path) -> None:
    found = read(tmp_path, '{"text": "a", "label": "x"}\nnonsense\n{"text": "b"}\n', name="in.jsonl")
    assert found.samples.num_rows == 2
    assert told(found) == {"unreadable_lines": (1, "in.jsonl, line 2")}
    assert [str(line) for line in found.unreadable] == ["in.jsonl:2: nonsense"]


def test_no_label_at_all_goes_on_where_the_classes_are_declared(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\nhello\n", encoding="utf-8")
    overrides = {"data.input": ["in.csv"], "tasks": [{"name": "label", "labels": ["a", "b"]}]}
    assert ingest(load(None, overrides, {}), tmp_path).samples["split"][:] == ["unlabeled"]


def test_a_parent_outside_its_labels_is_no_parent(tmp_path: Path) -> None:
    rows = "text,area,intent\n" + "one,bankk,card\n" * 3 + "two,music,song\n"
    tasks = ({"name": "area", "labels": ["bank", "music"]}, {"name": "intent", "parent": "area"})
    found = read(tmp_path, rows, tasks=tasks)
    assert dict(found.tasks[1].parent_of) == {"song": "music"}
    assert found.samples.to_pandas()["area"].isna().sum() == 3


def test_a_label_under_several_parents_keeps_each_rows_own_and_is_named(tmp_path: Path) -> None:
    pairs = {("broadband", "other"): 25, ("mobile", "other"): 25, ("broadband", "slow"): 25, ("mobile", "slow"): 1}
    rows = [f"{area}-{intent}-{n},{area},{intent}" for (area, intent), count in pairs.items() for n in range(count)]
    tasks = ({"name": "area"}, {"name": "intent", "parent": "area"})
    found = read(tmp_path, "\n".join(["text,area,intent", *rows]), tasks=tasks)
    frame = found.samples.to_pandas()
    assert (frame["area"] + "-" + frame["intent"]).tolist() == [row.rpartition("-")[0] for row in frame["text"]]
    assert set(frame["area_origin"]) == {"given"}
    intent = found.tasks[1]
    assert {label: set(intent.parents(label)) for label in intent.labels} == {
        "other": {"broadband", "mobile"},
        "slow": {"broadband"},  # one row of 26 is a slip: 3.8%
    }
    assert '"other" (mobile 25, broadband 25), "slow" (broadband 25, mobile 1)' in found.notes[0].message
    assert told(found) == {"labels_under_several_parents": (26, "in.csv, row 1")}


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
    notes = Notes()
    frame, _ = read_rows("rows.jsonl", tmp_path, notes)
    assert frame["text"].tolist() == ["a\u2028b \ufffd"]
    assert [(note.kind, note.first) for note in notes.found] == [("half_characters", "rows.jsonl, line 1")]


def test_a_key_that_stands_twice_in_a_line_of_jsonl_is_told(tmp_path: Path) -> None:
    lines = ['{"text": "a", "label": "x"}', '{"text": "b", "label": "x", "label": "y"}', '{"text": "c", "text": "d"}']
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    notes = Notes()
    frame, _ = read_rows("rows.jsonl", tmp_path, notes)
    assert (frame["text"].tolist(), frame["label"].tolist()[:2]) == (["a", "b", "d"], ["x", "y"])
    assert [(note.kind, note.count, note.first) for note in notes.found] == [("repeated_keys", 2, "rows.jsonl, line 2")]
    assert 'such as "label": its last value is read' in notes.found[0].message


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several columns are called \['text'\]"):
        read(tmp_path, "text,text ,label\na,b,x\n")


ROWS = b"".join(b"text %d,%c\n" % (n, b"ab"[n % 2]) for n in range(20))


@pytest.mark.parametrize(
    ("content", "rows", "lost"),
    [
        (b'text,label\n"broken,a\n' + ROWS, 20, 1),  # to the end of the file
        (b'text,label\nbroken,"a\n' + ROWS, 20, 1),
        (b"text,label\n" + ROWS + b'"broken,a\n' + ROWS + b'"whole, this",b\n' + ROWS, 61, 1),
        (b"text,label\n" + ROWS + b'"broken,a\n' + ROWS + b'"whole",b\n' + ROWS, 61, 1),
        (b'text,label\n"a letter\n\nof several, yes,\nlines",a\n' + ROWS, 21, 0),
        (b'text,label\n"x\n' + b"long" * 50_000 + b'\n\n\n\n\n\n",a\n' + ROWS, 21, 0),
        (b'text,label\n"a\nb\nc\nd\ne\nf\ng",a\n' + ROWS, 21, 0),
    ],
)
def test_a_quote_that_nobody_closed_costs_its_own_line(tmp_path: Path, content: bytes, rows: int, lost: int) -> None:
    found = read(tmp_path, content)
    assert found.samples.num_rows == rows
    assert len(found.unreadable) == lost == told(found).get("unreadable_lines", (0, ""))[0]
    assert all("broken" in line.content for line in found.unreadable)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", "text;label\nwell, yes;a\n"),
        ("in.csv", "text\tlabel\nwell, yes\ta\n"),
        ("in.tsv", "text\tlabel, as given\nwell, yes\ta"),
    ],
)
def test_other_separators_are_read(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, content, name=name, tasks=[{"name": "label", "labels": ["a"]}]).samples["text"] == [
        "well, yes"
    ]


def test_numbers_as_labels_and_ids_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    lines = [{"id": 7, "text": "a", "label": 1}, {"text": "b", "label": None}, {"text": "c", "label": 2}]
    pd.DataFrame({"id": [7, None, None], "text": ["a", "b", "c"], "label": [1, None, 2]}).astype(
        {"id": "Int64", "label": "Int64"}
    ).to_parquet(tmp_path / "rows.parquet")
    one = read(tmp_path, "\n".join(map(json.dumps, lines)), name="in.jsonl")
    two = read(tmp_path, (tmp_path / "rows.parquet").read_bytes(), name="in.parquet")
    for found in (one, two):
        assert found.tasks[0].labels == ("1", "2")
        assert found.samples["id"][0] == "7"


def test_columns_that_nobody_asked_for_may_hold_anything(tmp_path: Path) -> None:
    odd = [{"big": 10**30, "mixed": [1, "x"], "record": {"a": 1}, "n": 1}, {"mixed": "y", "record": {"b": [2]}}]
    lines = [json.dumps({"text": f"text {n}", "label": "a", **row}) for n, row in enumerate(odd)]
    found = read(tmp_path, "\n".join(lines), name="in.jsonl")
    assert found.samples["meta.big"][0] == str(10**30)
    assert found.samples["meta.mixed"][:] == ['[1, "x"]', "y"]
    again = from_pandas(to_pandas(found.samples), found.tasks)
    assert not list(changed_columns(found.samples, again))


def test_a_list_of_labels_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds \['a', 'b'\]; expected one label a row"):
        read(tmp_path, '{"text": "x", "label": ["a", "b"]}\n', name="in.jsonl")


def test_gold_labels_that_no_class_has_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\nhi,a\n", gold="text,label\nhello,a\nbye,Q\n")
    assert told(found) == {"gold_labels_of_no_class": (1, "gold.csv, row 2")}
    assert '"Q"' in found.notes[0].message


def test_a_row_never_changes_sides_as_its_class_grows(tmp_path: Path) -> None:
    def locked(count: int) -> set[str]:
        rows = "id,text,label\n" + "".join(f"{n},text {n},{'ab'[n % 2]}\n" for n in range(count))
        frame = read(tmp_path, rows, **{"data.gold_fraction": 0.3}).samples.to_pandas()
        return set(frame.loc[frame["split"] == "gold", "id"])

    few, many = locked(40), locked(400)
    assert few == {row for row in many if int(row) < 40}
    assert 0.2 < len(many) / 400 < 0.4


def test_a_class_is_never_locked_away_whole(tmp_path: Path) -> None:
    frame = read(tmp_path, "text,label\none,a\ntwo,b\nthree,b\n", **{"data.gold_fraction": 0.89}).samples.to_pandas()
    assert set(frame.loc[frame["split"] == "train", "label_given"]) == {"a", "b"}


def test_another_tasks_column_is_no_name_for_a_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='"label_given" has the name of a column'):
        read(tmp_path, "text,label,label_given\nhi,a,b\n", tasks=[{"name": "label"}, {"name": "label_given"}])


def test_the_hubs_numbers_of_classes_become_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"]), "n": Value("int64")})
    rows = {"text": ["a", "b", "c"], "label": [1, 0, -1], "n": [1, None, 3]}
    found = Dataset.from_dict(rows, features=features)
    monkeypatch.setattr("tilth.io.tables.readers.load_dataset", lambda *_, **__: found)
    frame, _ = read_rows("hf:owner/name", tmp_path)
    assert frame["label"].tolist() == ["yes", "no", None]
    assert frame["n"].tolist() == [1, None, 3]
