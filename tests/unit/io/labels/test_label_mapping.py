"""Classes that change between nights: everything that names one follows, and each change can be taken back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.unit.io.answers.test_applying import Desk, say
from tilth.errors import DamagedFileError, RequestError
from tilth.io.ingestion import Ingested
from tilth.io.labels.label_mapping import LabelMapping
from tilth.samples import Task
from tilth.store import LabelChange, LabelChanges
from tilth.weak_supervision.voting.applier import vote

LABELS = ("outage", "refund", "slow")


class Changing(Desk):
    def change(self, kind: str, before: str, after: str, at: str = "2026-01-01") -> None:
        there = LabelChanges.read(self.workspace.data)
        old, new = tuple(before.split(",")), tuple(after.split(","))
        known = {*LABELS, *(label for one in there.active for label in one.after)}
        change = LabelChange(kind=kind, task="intent", before=old, after=new, at=at)
        there.added(change, known).write(self.workspace.data)

    def undo(self, kind: str, before: str, after: str) -> None:
        there = LabelChanges.read(self.workspace.data)
        there.undone(kind, "intent", before.split(","), after.split(",")).write(self.workspace.data)


@pytest.fixture
def desk(tmp_path: Path) -> Changing:
    (tmp_path / "data").mkdir()
    return Changing(tmp_path)


def kinds(found: Ingested) -> dict[str, int]:
    return {note.kind: note.count for note in found.notes}


def labels(frame: pd.DataFrame) -> list[object]:
    return [None if pd.isna(label) else label for label in frame["intent"]]


def test_given_labels_gold_and_the_hierarchy_follow_a_new_name_and_come_back(desk: Changing) -> None:
    before = desk.read()[1]
    desk.change("rename", "slow", "sluggish")
    found, frame = desk.read()
    assert labels(frame) == [{"slow": "sluggish"}.get(str(label), label) for label in labels(before)]
    assert frame.loc["9", "intent"] == "sluggish"  # gold
    assert found.tasks[1].parent_of["sluggish"] == "network"
    assert found.tasks[1].former == {"slow": "sluggish"}
    assert (found.inputs[-1]["split"], found.inputs[-1]["rows"]) == ("label_changes", 1)
    assert kinds(found) == {"labels_renamed": 5}
    desk.undo("rename", "slow", "sluggish")
    assert labels(desk.read()[1]) == labels(before)


def test_declared_classes_follow_and_functions_may_return_names_and_places_of_before(desk: Changing) -> None:
    desk.change("merge", "refund,outage", "other")
    found, frame = desk.read(labels=("refund", "slow", "outage"))
    task = found.tasks[1]
    assert task.labels == ("other", "slow")
    assert frame.loc["1", "intent"] == "other"
    assert (task.former, task.places) == ({"outage": "other", "refund": "other"}, (0, 1, 0))
    assert Task.from_json(task.to_json()) == task

    class Loaded:
        def __init__(self, answers: list[object]) -> None:
            self.answers = iter(answers)

        def function(self, _row: object) -> object:
            return next(self.answers)

    rows = [SimpleNamespace(text="x") for _ in range(5)]
    votes = vote(Loaded(["refund", "outage", "slow", 2, None]), task, rows)  # type: ignore[arg-type]
    assert votes.votes.tolist() == [0, 0, 1, 0, -1]


def test_a_split_sends_its_rows_to_people_until_they_answer(desk: Changing) -> None:
    desk.answer("ann", say("6", "slow"))
    desk.change("split", "slow", "slow_day,slow_night", at="2100-01-01")
    found, frame = desk.read()
    assert frame.loc[["2", "3", "5", "6"], "intent"].isna().all()  # the answer was of the class that is no more
    assert frame["ask_again"].dropna().to_dict() == dict.fromkeys("2356", "label_split")
    assert found.tasks[1].labels == ("refund", "slow_day", "slow_night")
    assert found.tasks[1].parent_of["slow_day"] == "network"
    assert found.tasks[1].former == {"slow": None}
    assert kinds(found)["labels_split"] == 5


def test_answers_given_after_a_split_stand_and_those_before_an_undo_are_merged_back(desk: Changing) -> None:
    desk.change("split", "slow", "slow_day,slow_night", at="2000-01-01")
    desk.answer("ann", say("2", "slow_night"))
    frame = desk.read()[1]
    assert frame.loc["2", "intent"] == "slow_night"
    assert frame["ask_again"].dropna().to_dict() == dict.fromkeys("35", "label_split")
    desk.undo("split", "slow", "slow_day,slow_night")
    frame = desk.read()[1]
    assert frame.loc["2", ["intent", "intent_origin"]].tolist() == ["slow", "annotator"]


def test_answers_of_an_undone_merge_are_asked_again(desk: Changing) -> None:
    desk.change("merge", "refund,slow", "other", at="2000-01-01")
    desk.answer("ann", say("4", "other"))
    assert desk.read()[1].loc["4", "intent"] == "other"
    desk.undo("merge", "refund,slow", "other")
    frame = desk.read()[1]
    assert pd.isna(frame.loc["4", "intent"])
    assert frame.loc["4", "ask_again"] == "label_split"


def test_an_answer_from_before_a_merge_is_as_it_was_once_that_is_undone() -> None:
    merged = LabelChange(kind="merge", task="intent", before=("refund", "slow"), after=("other",), at="2")
    split = LabelChange(kind="split", task="intent", before=("other",), after=("refund", "slow"), at="4", undoes=0)
    there = LabelChanges(every=(merged, split))
    assert there.answered("intent", "slow", "1") == "slow"
    assert there.answered("intent", "other", "3") is None  # of which of the two nobody said
    assert there.answered("intent", "slow", "5") == "slow"
    later = LabelChange(kind="rename", task="intent", before=("slow",), after=("sluggish",), at="6")
    assert LabelChanges(every=(merged, split, later)).answered("intent", "slow", "1") == "sluggish"


def test_a_chain_is_read_in_order_and_undone_from_its_end(desk: Changing) -> None:
    desk.change("rename", "slow", "sluggish")
    desk.change("merge", "sluggish,refund", "sluggish")
    assert set(labels(desk.read()[1])) == {"sluggish", None}
    with pytest.raises(RequestError, match="merge sluggish, refund came after it and rests on it; undo that first"):
        desk.undo("rename", "slow", "sluggish")
    desk.undo("merge", "sluggish,refund", "sluggish")
    desk.undo("rename", "slow", "sluggish")
    assert set(labels(desk.read()[1])) == {"slow", "refund", None}


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("rename", "slwo", "x", 'no class of task "intent"; did you mean "slow"'),
        ("rename", "slow", "refund", 'already; tilth labels merge "slow" "refund" --into "refund"'),
        ("merge", "slow,refund", "outage", "merge it too"),
        ("split", "slow", "refund,x", "already"),
        ("rename", "slow", "slow", "called so already"),
        ("merge", "slow,slow", "x", "named twice"),
    ],
)
def test_what_cannot_be_changed_is_told(desk: Changing, kind: str, before: str, after: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        desk.change(kind, before, after)
    assert LabelChanges.read(desk.workspace.data) == LabelChanges()


def test_nothing_to_undo_names_what_there_is(desk: Changing) -> None:
    desk.change("rename", "slow", "sluggish")
    with pytest.raises(RequestError, match="there are: rename slow into sluggish"):
        desk.undo("rename", "refund", "x")


def test_a_damaged_list_is_told(desk: Changing) -> None:
    (desk.workspace.data / "label-changes.json").write_text('{"version": 1}')
    with pytest.raises(DamagedFileError, match="is damaged"):
        desk.read()
    (desk.workspace.data / "label-changes.json").write_text('{"version": 9, "changes": []}')
    with pytest.raises(RequestError, match="newer tilth"):
        desk.read()


def test_a_sentence_for_no_class_is_told(desk: Changing) -> None:
    from tilth.config import load
    from tilth.io.ingestion import ingest

    overrides = {
        "data.input": ["in.csv"],
        "tasks": [{"name": "intent"}],
        "data.definitions": {"slow": "Too slow.", "refnud": "Money back."},
    }
    found = ingest(load(None, overrides, {}), desk.root, workspace=desk.workspace)
    (note,) = [note for note in found.notes if note.kind == "definitions_of_no_class"]
    assert note.message == '1 sentence of [data.definitions] is of no class: "refnud"; did you mean "refund"?'


def test_the_sentence_on_a_class_follows_it(desk: Changing) -> None:
    from tilth.config import load

    sentences = {"outage": "No line.", "refund": "Money back.", "slow": "Too slow."}
    settings = load(None, {"tasks": [{"name": "intent"}], "data.definitions": sentences}, {})

    def today() -> dict[str, str]:
        return LabelMapping(LabelChanges.read(desk.workspace.data)).config(settings).data.definitions

    assert today() == sentences
    desk.change("merge", "outage,slow", "network")
    assert today() == {"refund": "Money back.", "network": "No line. Too slow."}
    desk.change("rename", "network", "line")
    assert today() == {"refund": "Money back.", "line": "No line. Too slow."}
    desk.change("split", "refund", "refund_late,refund_wrong")
    assert today() == {"line": "No line. Too slow."}
    desk.undo("split", "refund", "refund_late,refund_wrong")
    assert today() == {"refund": "Money back.", "line": "No line. Too slow."}
