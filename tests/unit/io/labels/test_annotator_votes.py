from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tilth.config import load
from tilth.errors import InputError
from tilth.io.ingestion import Ingested, ingest
from tilth.text import unit_interval

ROWS = "id,text\n1,hello there\n2,good bye\n3,thank you\n4,no thanks\n"
VOTES = "id,annotator,label\n1,ann,greet\n1,bob,greet\n1,cy,part\n2,ann,part\n3,bob,greet\n3,cy,thank\n3,ann,thank\n"


def read(tmp_path: Path, votes: str, rows: str = ROWS, gold: str | None = None, **data: object) -> Ingested:
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
    return ingest(load(None, {**overrides, **data}, {}), tmp_path)


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
    assert {note.kind: (note.count, note.first) for note in found.notes} == {
        "annotations_without_id_or_annotator": (2, "votes.csv, row 10"),
        "annotations_replaced_by_a_later_one": (1, "votes.csv, row 1"),
        "annotations_of_unknown_rows": (1, "votes.csv, row 9"),
    }
    assert json.loads(frame_of(found).loc["1", "label_annotations"])["ann"] == "part"


GOLD = "id,text,label\n9,well met,\n8,see you,\n7,so long,\n"


def test_votes_on_gold_rows_break_no_tie(tmp_path: Path) -> None:
    tie = "id,annotator,label\n1,ann,part\n1,bob,greet\n"
    for label in ("part", "greet"):
        votes = tie + "".join(f"{row},ann,{label}\n" for row in (7, 8, 9))
        frame = frame_of(read(tmp_path, votes, gold=GOLD))
        assert frame.loc["1", "label_given"] == "greet"  # the first of two that are equal
        assert frame.loc["9", "label_given"] == label


def test_votes_on_rows_that_a_hold_out_takes_break_no_tie(tmp_path: Path) -> None:
    places = {str(row): unit_interval(f"gold:{row}") for row in range(40)}
    held, kept = sorted(places, key=places.__getitem__)[:20], sorted(places, key=places.__getitem__)[20:]
    rows = "id,text\n" + "".join(f"{row},text {row}\n" for row in places)
    share = {"data.gold_fraction": (places[held[-1]] + places[kept[0]]) / 2}
    for label in ("part", "greet"):
        votes = "id,annotator,label\n" + "".join(f"{row},ann,{label}\n" for row in held)
        votes += f"{kept[0]},ann,part\n{kept[0]},bob,greet\n{kept[1]},ann,part\n{kept[2]},ann,greet\n"
        frame = frame_of(read(tmp_path, votes, rows, **share))
        assert frame.loc[kept[0], "label_given"] == "greet"


def test_a_long_file_of_several_tasks_is_read_by_its_column_of_tasks(tmp_path: Path) -> None:
    votes = "id,annotator,task,label\n1,ann,label,greet\n1,ann,tone,rude\n2,ann,label,part\n"
    found = read(tmp_path, votes)
    assert frame_of(found)["label_given"].dropna().to_dict() == {"1": "greet", "2": "part"}
    assert [(note.kind, note.count, note.first) for note in found.notes] == [
        ("annotations_of_other_tasks", 1, "votes.csv, row 2")
    ]


def test_labels_of_votes_are_cleaned_and_ids_with_a_point_find_their_rows(tmp_path: Path) -> None:
    frame = frame_of(read(tmp_path, "id,annotator,label\n1.0,ann,gre\u200bet \n2.0,ann,part\n"))
    assert frame["label_given"].dropna().to_dict() == {"1": "greet", "2": "part"}


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
