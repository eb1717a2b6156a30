from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from datasets import load_from_disk

from tests.conftest import ROWS, TASKS
from tilth import samples as table
from tilth.errors import RequestError
from tilth.export import export
from tilth.store import Run, write_table

COLUMNS = [
    *("id", "text", "area", "area_weight", "area_origin", "intent", "intent_weight", "intent_origin"),
    *("source", "parent_id"),
]
NOTE = 'a "quoted", café\nand a second line'

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "out.csv": pd.read_csv,
    "out.jsonl": lambda path: pd.DataFrame(
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ),
    "out.parquet": pd.read_parquet,
    "out": lambda path: load_from_disk(str(path)).to_pandas(),
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
    count = export(night, tmp_path / name)
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
    out = pd.read_parquet(tmp_path / "out.parquet").set_index("id")
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


def test_another_suffix_and_a_folder_that_is_there_are_refused(night: Run, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r'"\.xlsx" is no kind that tilth writes; give \.csv, \.jsonl'):
        export(night, tmp_path / "out.xlsx")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("keep me")
    with pytest.raises(RequestError, match="is there already; give a new folder"):
        export(night, tmp_path / "mine")
    assert (tmp_path / "mine" / "precious.txt").read_text() == "keep me"
    assert not (tmp_path / "out.xlsx").exists()


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
