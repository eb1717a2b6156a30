"""Rows that a workspace holds, and what comes to them each night."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tilth.config import load
from tilth.io.ingestion import Ingested, ingest
from tilth.samples import to_pandas
from tilth.store import Run, Workspace, write_json, write_table


class Inbox:
    """A workspace whose nights read the file of the day."""

    def __init__(self, root: Path) -> None:
        self.root, self.count = root, 0
        self.workspace = Workspace(root=root, config=root / "tilth.toml", data=root / "data", runs=root / "data/runs")

    def read(self, rows: str, mode: str = "append", **more: object) -> tuple[Ingested, pd.DataFrame]:
        (self.root / "in.csv").write_text(rows)
        overrides = {"data.input": ["in.csv"], "data.mode": mode, "tasks": [{"name": "intent"}], **more}
        found = ingest(load(None, overrides, {}), self.root, workspace=self.workspace)
        return found, to_pandas(found.samples)

    def night(self, rows: str, *, overrides: dict[str, object] | None = None, **more: object) -> pd.DataFrame:
        found, frame = self.read(rows, **more)
        self.count += 1
        run = Run(self.workspace.runs / f"n{self.count}")
        write_json(run.path / "run.json", {"run_id": run.path.name, "status": "failed", "overrides": overrides or {}})
        write_table(run.path / "0-input.parquet", found.samples)
        return frame


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


MONDAY = "id,text,intent,shop\n1,no line,outage,north\n2,money back,refund,south\n"


def test_a_new_file_adds_to_what_there_was_and_replaces_what_comes_again(inbox: Inbox) -> None:
    inbox.night(MONDAY)
    frame = inbox.night("id,text,intent,shop\n2,money back,outage,south\n3,hello,,east\n")
    assert frame[["id", "intent_given", "meta.shop"]].fillna("").to_numpy().tolist() == [
        ["2", "outage", "south"],
        ["3", "", "east"],
        ["1", "outage", "north"],
    ]
    assert frame["split"].tolist() == ["train", "unlabeled", "train"]
    tuesday = inbox.night("id,text,intent\n4,hi,refund\n")
    assert sorted(tuesday["id"]) == ["1", "2", "3", "4"]


def test_without_ids_a_text_that_comes_again_is_one_row(inbox: Inbox) -> None:
    first = inbox.night("text,intent\nno line,outage\nmoney back,refund\n")
    again = inbox.night("text,intent\nno line,refund\nhello,refund\n")
    assert again["text"].tolist() == ["no line", "hello", "money back"]
    assert again["id"][2] == first["id"][1]
    assert again["intent_given"][0] == "refund"


def test_the_same_input_twice_is_the_same_night(inbox: Inbox) -> None:
    inbox.night(MONDAY)
    found, _ = inbox.read(MONDAY)
    assert [item["split"] for item in found.inputs] == ["train"]
    inbox.night("id,text,intent\n3,hello,refund\n")
    first = inbox.read("id,text,intent\n3,hello,refund\n")[0].inputs
    inbox.night("id,text,intent\n3,hello,refund\n")
    second = inbox.read("id,text,intent\n3,hello,refund\n")[0].inputs
    assert [item["sha256"] for item in first] == [item["sha256"] for item in second]
    assert [(item["split"], item["rows"]) for item in second] == [("train", 1), ("held", 2)]


def test_a_try_on_other_files_holds_nothing_and_replace_forgets(inbox: Inbox) -> None:
    inbox.night(MONDAY)
    inbox.night("id,text,intent\n9,a try,refund\n", overrides={"data.input": ["try.csv"]})
    assert sorted(inbox.read("id,text,intent\n3,hello,refund\n")[1]["id"]) == ["1", "2", "3"]
    assert inbox.read("id,text,intent\n3,hello,refund\n", mode="replace")[1]["id"].tolist() == ["3"]


def test_gold_rows_come_from_the_gold_file_alone(inbox: Inbox) -> None:
    (inbox.root / "gold.csv").write_text("id,text,intent\ng1,a line,outage\n")
    gold = {"data.gold": "gold.csv"}
    inbox.night(MONDAY, **gold)
    frame = inbox.night("id,text,intent\n3,hello,refund\n", **gold)
    assert frame.set_index("id")["split"].to_dict() == {"3": "train", "1": "train", "2": "train", "g1": "gold"}


def test_rows_that_were_held_keep_their_pictures(inbox: Inbox) -> None:
    from PIL import Image

    for name, color in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (8, 8), color).save(inbox.root / f"{name}.png")
    shown = {"data.image": "photo"}
    monday = inbox.night("id,text,intent,photo\n1,no line,outage,red.png\n", **shown)
    tuesday = inbox.night("id,text,intent,photo\n2,money back,refund,blue.png\n", **shown)
    assert tuesday.set_index("id")["picture_digest"]["1"] == monday["picture_digest"][0]
    assert tuesday["picture_path"].tolist() == ["blue.png", "red.png"]
    assert inbox.read("id,text,intent\n3,hello,refund\n")[1].get("picture_digest") is None
