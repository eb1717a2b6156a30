from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, load_dataset, load_from_disk

import tilth
from tests.small_table import ROWS, TASKS
from tilth import samples as table
from tilth.errors import RequestError
from tilth.io.exports.exporting import export
from tilth.store import Run, write_table

COLUMNS = [
    *("id", "text", "area", "area_weight", "area_origin", "intent", "intent_weight", "intent_origin"),
    *("source", "parent_id"),
]
NOTE = 'a "quoted", café\nand a second line'


def _parquet(path: Path) -> Dataset:
    """As `datasets` reads it, classes by the names in the file's metadata."""
    return Dataset(pq.read_table(path))


def _named(found: Dataset) -> pd.DataFrame:
    frame = found.to_pandas()
    for name, feature in found.features.items():
        if isinstance(feature, ClassLabel):
            frame[name] = [None if pd.isna(code) else feature.int2str(int(code)) for code in frame[name]]
    return frame


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "out.csv": pd.read_csv,
    "out.jsonl": lambda path: pd.DataFrame(
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ),
    "out.parquet": lambda path: _named(_parquet(path)),
    "out": lambda path: _named(load_from_disk(str(path))["train"]),
}


@pytest.fixture
def night(tmp_path: Path) -> Run:
    """A night whose last table holds a row of every kind that export must tell apart."""
    frame = pd.DataFrame(ROWS, columns=["id", "text", "split", "area_given", "intent_given"])
    more = pd.DataFrame(
        [("n1", NOTE, "train", "billing", "refund"), ("h1", "only the area is known", "train", "network", None)],
        columns=frame.columns,
    )
    frame = pd.concat([frame, more], ignore_index=True)
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["used"] = None
    for name, parent, used in (("p1", "a1", True), ("p2", "b1", False)):
        text = f"another wording of {parent}"
        frame.loc[len(frame)] = [name, text, "train", None, None, "paraphrase", parent, "active", None, used]
    frame["used"] = frame["used"].astype("boolean")
    frame["label_agreement"] = frame["used"].map({True: 0.5, False: 0.9}).astype(float)
    frame["weight"] = frame["used"].map({True: 0.4, False: None}).astype(float)
    frame["intent_weak"] = frame["id"].map({"u1": "refund"})
    frame["intent_weak_confidence"] = frame["id"].map({"u1": 0.75})
    frame["area_given_confidence"] = 1.0
    frame["intent_given_confidence"] = frame["id"].map({"a1": 0.5}).fillna(1.0)
    frame.loc[frame["id"].eq("a2"), ["status", "reason"]] = ["quarantined", "junk"]
    frame.loc[frame["id"].eq("b2"), ["status", "reason"]] = ["review", "outlier"]
    run = Run.create(tmp_path / "runs", {"tasks": [task.to_json() for task in TASKS]})
    before = frame[["id", "text", "split", "area_given", "intent_given", "source", "parent_id", "status", "reason"]]
    write_table(run.path / "0-input.parquet", table.from_pandas(before.head(3), TASKS))
    write_table(run.path / "5-training.parquet", table.from_pandas(table.resolve(frame, TASKS), TASKS))
    return run


@pytest.mark.parametrize("name", READERS)
def test_every_kind_of_file_holds_the_same_rows(night: Run, tmp_path: Path, name: str) -> None:
    count = export(night, tmp_path / name).rows
    out = READERS[name](tmp_path / name)
    assert list(out.columns) == COLUMNS
    assert out["id"].tolist() == ["a1", "a3", "b1", "b3", "c1", "c2", "u1", "n1", "h1", "p1"]
    assert count == len(out) == 10
    rows = out.set_index("id")
    assert rows.loc["n1", "text"] == NOTE
    assert rows.loc["a1", "intent_weight"] == pytest.approx(0.5)
    assert pd.isna(rows.loc["h1", "intent"])
    assert pd.isna(rows.loc["h1", "intent_weight"])


def test_labels_come_with_their_weight_and_their_origin(night: Run, tmp_path: Path) -> None:
    export(night, tmp_path / "out.parquet")
    out = _named(_parquet(tmp_path / "out.parquet")).set_index("id")
    found = out[["intent", "intent_weight", "intent_origin"]]
    assert found.loc["a1"].tolist() == ["refund", 0.5, "given"]
    assert found.loc["u1"].tolist() == ["refund", 0.75, "weak"]
    # Its parent's 0.5, the gate's 0.5, and its own 0.4.
    assert found.loc["p1"].tolist() == ["refund", pytest.approx(0.1), "inherited"]
    assert out.loc["u1", ["area", "area_weight", "area_origin"]].tolist() == ["billing", 0.75, "weak"]
    assert out.loc["h1", ["area", "area_weight", "area_origin"]].tolist() == ["network", 1.0, "given"]
    assert out.loc["p1", ["source", "parent_id"]].tolist() == ["paraphrase", "a1"]


def test_what_training_may_not_take_stays_out(night: Run, tmp_path: Path) -> None:
    export(night, tmp_path / "out.parquet")
    left = set(pd.read_parquet(tmp_path / "out.parquet")["id"])
    assert not left & {"g1", "g2"}, "gold"
    assert not left & {"a2", "b2"}, "set aside, and under review"
    assert "p2" not in left, "a paraphrase that is not used"
    assert "u2" not in left, "no label for any task"


def test_the_rows_that_are_left_out_are_counted_by_reason(night: Run, tmp_path: Path) -> None:
    left = {
        "gold, which is only measured on": 2,
        "set aside (junk)": 1,
        "in review (outlier)": 1,
        "paraphrases not used (they did not help)": 1,
        "without a label": 1,
    }
    done = export(night, tmp_path / "out.csv")
    assert (done.rows, done.gold, done.left_out) == (10, 0, left)
    assert sum(done.left_out.values()) + done.rows == 16, "every row of the table"
    del left["gold, which is only measured on"]
    for other in (export(night, tmp_path / "out"), export(night, tmp_path / "a.csv", gold=tmp_path / "b.csv")):
        assert (other.rows, other.gold, other.left_out) == (10, 2, left)


def test_gold_rows_are_a_split_of_a_folder_and_a_file_of_their_own(night: Run, tmp_path: Path) -> None:
    export(night, tmp_path / "out")
    export(night, tmp_path / "better.jsonl", gold=tmp_path / "checked.csv")
    folder = load_from_disk(str(tmp_path / "out"))
    assert list(folder) == ["train", "test"]
    for gold in (_named(folder["test"]), pd.read_csv(tmp_path / "checked.csv")):
        assert list(gold.columns) == COLUMNS
        assert gold["id"].tolist() == ["g1", "g2"]
        assert gold["intent"].tolist() == ["refund", "slow"]
    with pytest.raises(RequestError, match="as its split test; leave --gold out"):
        export(night, tmp_path / "another", gold=tmp_path / "gold.csv")
    assert not (tmp_path / "another").exists()


def test_datasets_knows_the_classes_by_name(night: Run, tmp_path: Path) -> None:
    export(night, tmp_path / "out")
    export(night, tmp_path / "out.parquet")
    cache = str(tmp_path / "cache")
    parquet = load_dataset("parquet", data_files=str(tmp_path / "out.parquet"), split="train", cache_dir=cache)
    for found in (load_from_disk(str(tmp_path / "out"))["train"], parquet):
        assert found.features["intent"] == ClassLabel(names=["refund", "slow", "outage"])
        assert found["intent"][:4] == [0, 0, 1, 1]
        assert found["intent"][8] is None


def _with_more(night: Run, **columns: pa.Array) -> None:
    path = night.path / "5-training.parquet"
    rows = pq.read_table(path)
    for name, values in columns.items():
        rows = rows.append_column(f"meta.{name}", values)
    pq.write_table(rows, path)


@pytest.mark.parametrize("name", READERS)
def test_the_inputs_other_columns_come_along_under_their_own_names(night: Run, tmp_path: Path, name: str) -> None:
    number = pa.array([*range(15), None], type=pa.int64())
    day = pa.array([date(2026, 1, 2)] * 16)
    tags = pa.array([["a", "b"]] * 16)
    _with_more(night, number=number, day=day, tags=tags, source=pa.array(["mail"] * 16))
    done = export(night, tmp_path / name)
    assert done.renamed == {"source": "meta.source"}
    out = READERS[name](tmp_path / name)
    assert list(out.columns) == [*COLUMNS, "number", "day", "tags", "meta.source"]
    assert out["meta.source"].tolist() == ["mail"] * 10
    assert out["source"].tolist() == ["input"] * 9 + ["paraphrase"]
    assert [str(value) for value in out["number"]] == ["0", "2", "3", "5", "6", "7", "8", "12", "13", "14"]
    assert {str(value)[:10] for value in out["day"]} == {"2026-01-02"}
    assert str(out["tags"].iloc[0]).replace('"', "'") in {"['a', 'b']", "['a' 'b']"}


def test_an_input_that_was_exported_before_is_exported_again(night: Run, tmp_path: Path) -> None:
    _with_more(night, **{"source": pa.array(["a"] * 16), "meta.source": pa.array(["b"] * 16)})
    done = export(night, tmp_path / "out.jsonl")
    assert done.renamed == {"source": "meta.source", "meta.source": "meta.meta.source"}
    out = READERS["out.jsonl"](tmp_path / "out.jsonl")
    assert out.loc[0, ["source", "meta.source", "meta.meta.source"]].tolist() == ["input", "a", "b"]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_what_was_exported_is_read_again_as_it_was(night: Run, tmp_path: Path, name: str) -> None:
    rows = pq.read_table(night.path / "5-training.parquet").to_pandas()
    rows.loc[rows["id"].eq("n1"), "text"] = "=HYPERLINK('x')"
    rows.loc[rows["id"].eq("h1"), "text"] = "'-5 degrees"
    write_table(night.path / "5-training.parquet", table.from_pandas(rows, TASKS))
    export(night, tmp_path / name, gold=tmp_path / f"gold-{name}")
    found = tilth.read(tmp_path / name, tasks=["area", "area/intent"], gold=tmp_path / f"gold-{name}")
    again = table.to_pandas(found.samples).set_index("id")
    assert again.index.tolist() == ["a1", "a3", "b1", "b3", "c1", "c2", "u1", "n1", "h1", "p1", "g1", "g2"]
    assert again["split"].tolist() == ["train"] * 10 + ["gold"] * 2
    assert again.loc["n1", "text"] == "=HYPERLINK('x')"
    assert again.loc["h1", "text"] == "'-5 degrees"
    before = rows.set_index("id").loc[again.index]
    for task in ("area", "intent"):
        assert again[task].fillna("").tolist() == before[task].fillna("").tolist()


def test_another_suffix_is_refused(night: Run, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r'"\.xlsx" is no kind that tilth writes; give \.csv, \.jsonl'):
        export(night, tmp_path / "out.xlsx")
    with pytest.raises(RequestError, match="--format xlsx: expected one of csv, jsonl, parquet, folder"):
        export(night, tmp_path / "out.csv", kind="xlsx")
    assert not (tmp_path / "out.xlsx").exists()
    export(night, tmp_path / "out.txt", kind="jsonl")
    assert len(READERS["out.jsonl"](tmp_path / "out.txt")) == 10


@pytest.mark.parametrize("name", READERS)
def test_what_is_there_is_written_over_by_force_alone(night: Run, tmp_path: Path, name: str) -> None:
    export(night, tmp_path / name)
    before = READERS[name](tmp_path / name)
    _with_more(night, new=pa.array(["x"] * 16))
    with pytest.raises(RequestError, match=rf"{name} is there already; give another name, or --force"):
        export(night, tmp_path / name)
    pd.testing.assert_frame_equal(READERS[name](tmp_path / name), before)
    export(night, tmp_path / name, force=True)
    assert READERS[name](tmp_path / name)["new"].tolist() == ["x"] * 10


def test_a_second_file_that_is_there_stops_the_first(night: Run, tmp_path: Path) -> None:
    (tmp_path / "gold.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(RequestError, match=r"gold\.csv is there already"):
        export(night, tmp_path / "out.csv", gold=tmp_path / "gold.csv")
    assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "gold.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("kind", ["csv", "folder"])
def test_no_force_writes_over_a_folder_of_something_else(night: Run, tmp_path: Path, kind: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("keep me")
    with pytest.raises(RequestError, match=r"so that --force leaves it"):
        export(night, tmp_path / "mine", kind=kind, force=True)
    assert (tmp_path / "mine" / "precious.txt").read_text() == "keep me"


def test_standard_output_takes_a_format(night: Run, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(RequestError, match=r"- is standard output, which takes csv or jsonl; give --format jsonl"):
        export(night, Path("-"))
    export(night, Path("-"), kind="jsonl")
    written = capfdbinary.readouterr().out.decode("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in written][:3] == ["a1", "a3", "b1"]


@pytest.mark.parametrize("name", ["out.CSV", "out.Parquet"])
def test_an_ending_may_be_in_capitals(night: Run, tmp_path: Path, name: str) -> None:
    export(night, tmp_path / name)
    assert (tmp_path / name).is_file()


def test_an_ending_alone_is_no_name(night: Run, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r'"\.csv" is no kind'):
        export(night, tmp_path / ".csv")


def test_a_folder_is_written_without_a_word(night: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export(night, tmp_path / "out")
    assert capfd.readouterr().err == ""
