"""What people's answers make of the rows that a night reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tilth.config import load
from tilth.io.answers import agreement
from tilth.io.ingestion import Ingested, ingest
from tilth.samples import to_pandas
from tilth.store import Workspace
from tilth.store.answers import Answer, Answers, Verdict

INPUT = """id,text,area,intent
1,where is my refund,billing,refund
2,so slow tonight,network,slow
3,no internet,network,slow
4,red light,,
5,lovely weather,network,slow
6,my refund please,billing,refund
"""
GOLD = "id,text,area,intent\n8,refund sent yet,billing,slow\n9,slow again,network,slow\n"
TEXTS = {line.split(",")[0]: line.split(",")[1] for line in (INPUT + GOLD).splitlines()}


def say(row: str, label: str | None = None, task: str | None = "intent", *, text: str = "", **more: Any) -> Answer:
    verdict = more.pop("verdict", Verdict.LABEL)
    return Answer(row_id=row, text=text or TEXTS.get(row, row), task=task, verdict=verdict, label=label, **more)


class Desk:
    """A small workspace with answers."""

    def __init__(self, root: Path) -> None:
        (root / "tilth.toml").write_text("")
        (root / "in.csv").write_text(INPUT)
        (root / "gold.csv").write_text(GOLD)
        self.root = root
        self.workspace = Workspace(root=root, config=root / "tilth.toml", data=root / "data", runs=root / "data/runs")

    def answer(self, who: str, *answers: Answer) -> None:
        with Answers.open(self.workspace.data / "labels.sqlite") as file:
            file.add(answers, who)

    def read(self, *, labels: tuple[str, ...] = ()) -> tuple[Ingested, pd.DataFrame]:
        tasks = [{"name": "area"}, {"name": "intent", "parent": "area", "labels": labels}]
        overrides = {"data.input": ["in.csv"], "data.gold": "gold.csv", "tasks": tasks}
        found = ingest(load(None, overrides, {}), self.root, workspace=self.workspace)
        return found, to_pandas(found.samples).set_index("id")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def kinds(found: Ingested) -> dict[str, int]:
    return {note.kind: note.count for note in found.notes}


def test_without_answers_nothing_is_different(desk: Desk) -> None:
    found, frame = desk.read()
    assert found.answers is None
    assert "intent_answer" not in frame
    assert [item["split"] for item in found.inputs] == ["train", "gold"]


def test_answers_stand_above_all_and_the_record_says_what_they_changed(desk: Desk) -> None:
    desk.answer("ann", say("3", "outage"), say("3", "network", "area"))
    desk.answer("ann", say("4", "outage"), say("1", "refund"))
    found, frame = desk.read()
    assert frame.loc[["1", "3", "4"], "intent"].tolist() == ["refund", "outage", "outage"]
    assert frame.loc[["1", "2", "3", "4"], "intent_origin"].tolist() == ["annotator", "given", "annotator", "annotator"]
    assert frame.loc["3", "intent_confidence"] == 1
    assert frame.loc["4", "area"] == "network"  # which row 3, by people's word, says of outage
    assert frame.loc["4", "split"] == "train"
    assert found.tasks[1].labels == ("outage", "refund", "slow")  # people's class is a class
    assert found.answers is not None
    intent = found.answers["tasks"]["intent"]
    assert {key: intent[key] for key in ("labels", "new", "changed", "confirmed")} == {
        "labels": 3,
        "new": 1,
        "changed": 1,
        "confirmed": 1,
    }
    assert found.answers["people"] == {"ann": 4}
    assert (found.inputs[-1]["split"], found.inputs[-1]["rows"], found.inputs[-1]["last"]) == ("answers", 4, 4)
    assert kinds(found)["answers_applied"] == 4


def test_the_digest_of_the_answers_goes_by_what_was_said(desk: Desk) -> None:
    desk.answer("ann", say("3", "outage"))
    first = desk.read()[0].inputs[-1]["sha256"]
    assert desk.read()[0].inputs[-1]["sha256"] == first
    desk.answer("ann", say("3", "slow"))
    assert desk.read()[0].inputs[-1]["sha256"] != first


def test_none_of_these_empties_the_label_and_all_below_it(desk: Desk) -> None:
    desk.answer("ann", say("5", verdict=Verdict.NONE_OF_THESE, task="area"))
    desk.answer("ann", say("2", verdict=Verdict.NONE_OF_THESE))
    found, frame = desk.read()
    assert frame.loc["5", ["area", "intent", "intent_origin"]].isna().all()
    assert frame.loc["5", "intent_reason"] == "none_of_these"
    assert frame.loc["2", "area"] == "network"
    assert pd.isna(frame.loc["2", "intent"])
    assert frame["intent_none"].to_dict() == {row: row in "25" for row in frame.index}
    assert frame["area_none"].to_dict() == {row: row == "5" for row in frame.index}
    assert found.answers is not None
    assert found.answers["tasks"]["intent"]["none_of_these"] == 2


def test_junk_is_set_aside_unless_as_many_gave_an_answer(desk: Desk) -> None:
    for row in "56":
        desk.answer("ann", say(row, task=None, verdict=Verdict.JUNK))
    desk.answer("bob", say("6", "refund"))
    found, frame = desk.read()
    assert (frame.loc["5", "status"], frame.loc["5", "reason"]) == ("quarantined", "answered_junk")
    assert (frame.loc["6", "status"], frame.loc["6", "ask_again"]) == ("active", "people_differ")
    assert found.answers is not None
    assert found.answers["junk"] == 1


def test_an_answer_on_another_text_waits_for_a_persons_word(desk: Desk) -> None:
    desk.answer("ann", say("3", "outage", text="no internet since Monday"), say("77", "slow"))
    found, frame = desk.read()
    assert (frame.loc["3", "intent"], frame.loc["3", "ask_again"]) == ("slow", "text_changed")
    assert kinds(found) == {"answers_on_changed_texts": 1, "answers_on_rows_gone": 1}
    desk.answer("bob", say("3", "outage"))
    frame = desk.read()[1]
    assert frame.loc["3", "intent"] == "outage"
    assert frame["ask_again"].isna().all()


def test_people_who_differ_are_asked_again_until_more_than_half_agree(desk: Desk) -> None:
    desk.answer("ann", say("3", "outage"), say("1", "refund"))
    desk.answer("bob", say("3", "refund"), say("1", "refund"))
    found, frame = desk.read()
    assert (frame.loc["3", "intent"], frame.loc["3", "intent_origin"]) == ("slow", "given")
    assert frame["ask_again"].dropna().to_dict() == {"3": "people_differ"}
    assert frame.loc["3", "intent_answers"] == '{"ann": "outage", "bob": "refund"}'
    assert found.answers is not None
    # One row of two alike: observed disagreement 2/2·1 of 4 values; outage 1, refund 3: 1 − 3·2/6 = 0
    assert found.answers["tasks"]["intent"]["agreement"] == {"rows": 2, "same": 1, "alpha": 0.0, "kappa": {}}
    desk.answer("cid", say("3", "outage"))
    frame = desk.read()[1]
    assert frame.loc["3", "intent"] == "outage"
    assert frame["ask_again"].isna().all()


def test_unclear_is_asked_of_others_until_nobody_is_left(desk: Desk) -> None:
    desk.answer("ann", say("4", verdict=Verdict.UNCLEAR))
    assert desk.read()[1]["nobody_to_ask"].to_dict() == {row: row == "4" for row in TEXTS if row != "id"}
    desk.answer("bob", say("1", "refund"))
    assert not desk.read()[1]["nobody_to_ask"].any()  # bob may know


def test_an_answer_on_gold_corrects_it_and_what_it_was_stays_on_record(desk: Desk) -> None:
    desk.answer("ann", say("8", "refund"), say("9", "slow"))
    found, frame = desk.read()
    assert frame.loc[["8", "9"], "intent"].tolist() == ["refund", "slow"]
    assert frame.loc[["8", "9"], "intent_answer"].isna().all()
    assert found.answers is not None
    (one,) = found.answers["gold"]["corrected"]
    assert {**one, "at": None} == {
        "id": "8",
        "task": "intent",
        "from": "slow",
        "to": "refund",
        "who": "ann",
        "at": None,
    }
    assert kinds(found)["gold_corrected"] == 1


def test_a_label_of_no_declared_class_and_another_task_are_kept_and_told(desk: Desk) -> None:
    desk.answer("ann", say("3", "outrage"), say("2", "low", "mood"))
    found, frame = desk.read(labels=("refund", "slow", "outage"))
    assert frame.loc["3", "intent"] == "slow"
    assert kinds(found) == {"answers_of_other_tasks": 1, "answers_of_no_class": 1}
    assert any('did you mean "outage"?' in str(note) for note in found.notes)


def test_a_refused_paraphrase_stands_beside_its_source(desk: Desk) -> None:
    wrong = say("1~p1", task=None, verdict=Verdict.WRONG_PARAPHRASE, text="I want none", shown={"parent_id": "1"})
    desk.answer("ann", wrong)
    found, frame = desk.read()
    assert frame["wrong_paraphrases"].notna().sum() == 1
    assert found.answers is not None
    assert found.answers["wrong_paraphrases"] == 1
    assert "answers_on_rows_gone" not in kinds(found)


def test_agreement_by_hand() -> None:
    """Krippendorff's own example has alpha 0.743 for nominal data (2011, section C, four observers, missing values)."""
    observers = {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
    columns = zip(*(values.split() for values in observers.values()), strict=True)
    ballots = [{who: value for who, value in zip(observers, row, strict=True) if value != "."} for row in columns]
    found = agreement(ballots)
    assert found["alpha"] == pytest.approx(0.743, abs=5e-4)
    assert found["rows"] == 11
    assert agreement([{"a": "x", "b": "x"}])["alpha"] is None
