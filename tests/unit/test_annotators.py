from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tilth.config import load
from tilth.errors import InputError
from tilth.ingest import Ingested, ingest

ROWS = "id,text\n1,hello there\n2,good bye\n3,thank you\n4,no thanks\n"
VOTES = "id,annotator,label\n1,ann,greet\n1,bob,greet\n1,cy,part\n2,ann,part\n3,bob,greet\n3,cy,thank\n3,ann,thank\n"


def read(tmp_path: Path, votes: str, rows: str = ROWS, gold: str | None = None) -> Ingested:
    overrides: dict[str, object] = {
        "data.input": ["in.csv"],
        "data.annotations": "votes.csv",
        "tasks": [{"name": "label"}],
    }
    (tmp_path / "in.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "votes.csv").write_text(votes, encoding="utf-8")
    if gold is not None:
        (tmp_path / "gold.csv").write_text(gold, encoding="utf-8")
        overrides["data.gold"] = "gold.csv"
    return ingest(load(None, overrides, {}), tmp_path)


def frame_of(found: Ingested) -> pd.DataFrame:
    frame: pd.DataFrame = found.samples.to_pandas().set_index("id")
    return frame


def test_the_majority_is_the_given_label_and_every_vote_is_kept(tmp_path: Path) -> None:
    frame = frame_of(read(tmp_path, VOTES))
    assert frame["label_given"].fillna("").to_dict() == {"1": "greet", "2": "part", "3": "thank", "4": ""}
    assert json.loads(frame.loc["1", "label_annotations"]) == {"ann": "greet", "bob": "greet", "cy": "part"}
    assert frame["split"].to_dict() == {"1": "train", "2": "train", "3": "train", "4": "unlabeled"}
    assert pd.isna(frame.loc["4", "label_annotations"])


def test_the_file_is_one_of_the_inputs_of_the_record(tmp_path: Path) -> None:
    entry = read(tmp_path, VOTES).inputs[-1]
    assert (entry["path"], entry["rows"], entry["split"]) == ("votes.csv", 7, "annotations")
    assert len(entry["sha256"]) == 64


def test_a_tie_goes_to_the_commoner_label_and_the_inputs_own_label_is_one_more_voice(tmp_path: Path) -> None:
    rows = "id,text,label\n1,hello there,\n2,good bye,\n3,thank you,thank\n4,no thanks,\n"
    votes = "id,annotator,label\n1,ann,part\n2,ann,part\n4,ann,part\n4,bob,greet\n3,ann,part\n3,bob,thank\n"
    frame = frame_of(read(tmp_path, votes, rows))
    assert frame.loc["4", "label_given"] == "part"
    assert frame.loc["3", "label_given"] == "thank"
    assert json.loads(frame.loc["3", "label_annotations"])["given"] == "thank"


def test_a_gold_label_is_not_voted_away(tmp_path: Path) -> None:
    votes = VOTES + "9,ann,part\n9,bob,part\n8,ann,part\n"
    frame = frame_of(read(tmp_path, votes, gold="id,text,label\n9,well met,greet\n8,see you,\n"))
    assert frame.loc["9", "label_given"] == "greet"
    assert frame.loc["8", "label_given"] == "part"


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    votes = VOTES + "1,ann,part\n77,ann,greet\n,ann,greet\n2,,greet\n2,bob,\n"
    found = read(tmp_path, votes)
    assert found.notes == {
        "annotations_without_id_or_annotator": 2,
        "annotations_replaced_by_a_later_one": 1,
        "annotations_of_unknown_rows": 1,
    }
    assert json.loads(frame_of(found).loc["1", "label_annotations"])["ann"] == "part"


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ("id,who,label\n1,ann,greet\n", r'no column "annotator".*\'who\''),
        ("row,annotator,label\n1,ann,greet\n", r'no column "id"'),
        ("id,annotator,tag\n1,ann,greet\n", r"no column of labels.*expected one of \['label'\]"),
        ("id,annotator,label\n77,ann,greet\n", r'no annotation is on a row.*like "1".*name "77"'),
    ],
)
def test_a_wrong_file_is_a_clear_error(tmp_path: Path, votes: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, votes)
