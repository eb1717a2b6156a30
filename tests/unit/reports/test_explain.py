"""A row's story: every part of it, of rows made by hand, and how a person names a row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import TASKS, HashingEncoder, make_table
from tilth import cli, store
from tilth import samples as table
from tilth.errors import RequestError
from tilth.reports import find_row, stories, story, story_lines
from tilth.reports.explain.row_stories import _plain
from tilth.store import Run
from tilth.store.answers import Answer, Answers, Verdict

CONFIG = {
    "encoder": {},
    "folds": 5,
    "cleaning": {"near_duplicate": 0.96, "correct_above": 0.95, "review_above": 0.1},
    "weak_supervision": {"min_confidence": 0.8},
}


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two nights: in the second a2 is a near copy of a1, b1 is corrected, u1 has a weak label and a2 a paraphrase."""
    monkeypatch.setattr("tilth.reports.explain.nearest.Encoder", lambda config, cache: HashingEncoder())
    (tmp_path / "data" / "cache").mkdir(parents=True)
    runs = tmp_path / "data" / "runs"
    record = {
        "tasks": [task.to_json() for task in TASKS],
        "config": CONFIG,
        "workspace": {"root": str(tmp_path), "config": None, "data": str(tmp_path / "data")},
        "inputs": [
            {"path": "first.csv", "rows": 4, "split": "train"},
            {"path": "votes.csv", "rows": 99, "split": "annotations"},
            {"path": "second.csv", "rows": 6, "split": "train"},
            {"path": "gold.csv", "rows": 2, "split": "gold"},
        ],
    }
    first = Run.create(runs, record)
    store.write_table(first.path / "0-input.parquet", make_table())
    second = Run.create(runs, record)
    store.write_table(second.path / "1-cleaning.parquet", _cleaned())
    votes = pd.DataFrame({"id": [*"a1 a2 a3 b1 b2 b3 c1 c2 u1 u2 g1 g2".split()]})  # noqa: SIM905 - reads as the ids
    votes["intent.refund_word"] = np.array([0, 0, 0, -1, 0, -1, -1, -1, 0, -1, -1, -1], dtype=np.int16)
    votes["intent.slow_word"] = np.full(12, -1, dtype=np.int16)
    votes.to_parquet(second.path / "votes.parquet", index=False)
    return second


def _cleaned() -> Any:
    frame = table.to_pandas(make_table())
    frame["duplicate_of"] = None
    frame["near_duplicate_score"], frame["is_near_duplicate_issue"] = 1.0, False
    frame.loc[1, ["duplicate_of", "status", "reason"]] = ["a1", "quarantined", "near_duplicate"]
    frame.loc[1, "near_duplicate_score"], frame.loc[1, "is_near_duplicate_issue"] = 0.02, True
    frame["intent_action"], frame["intent_suggested"], frame["intent_suggested_confidence"] = "keep", None, np.nan
    frame["is_intent_issue"], frame["intent_quality"], frame["intent_given_confidence"] = False, 0.9, 0.75
    frame.loc[3, ["intent_action", "intent_suggested"]] = ["correct", "outage"]
    frame.loc[3, ["is_intent_issue", "intent_suggested_confidence", "intent_given_confidence"]] = [True, 0.97, 0.01]
    frame["intent_weak"], frame["intent_weak_confidence"] = None, np.nan
    frame.loc[8, "intent_weak"], frame.loc[8, "intent_weak_confidence"] = "refund", 0.9
    frame.loc[9, "intent_weak_confidence"] = 0.6
    drawn = {
        "id": "a1~1",
        "text": "where did the refund go",
        "split": "train",
        "source": "paraphrase",
        "parent_id": "a1",
    }
    more = {"status": "active", "reason": None, "used": True, "similarity": 0.9, "accepted": True, "intent_given": None}
    whole = pd.concat([frame, pd.DataFrame([{**drawn, **more}])], ignore_index=True)
    return table.from_pandas(table.resolve(whole, TASKS), TASKS)


def test_where_a_row_came_from_counts_through_the_files_of_rows(night: Run) -> None:
    places = [one["came_from"] for one in stories(night.path, ["a1", "b1", "b2", "u2", "g1", "a1~1"])]
    assert places == [
        {"file": "first.csv", "row": 1},
        {"file": "first.csv", "row": 4},
        {"file": "second.csv", "row": 1},
        {"file": "second.csv", "row": 6},
        {"file": "gold.csv", "row": 1},
        {"file": None, "row": None},
    ]


def test_a_copy_that_was_set_aside(night: Run) -> None:
    found = story(night.path, "a2")
    assert (found["status"], found["duplicate_of"]) == ("quarantined", "a1")
    assert found["checks"] == [{"check": "near_duplicate", "score": 0.02, "issue": True}]
    assert found["would_change"] == ["a cosine of 0.980 to row a1, above the limit: cleaning.near_duplicate = 0.96"]
    assert found["tasks"]["intent"]["weight"] is None
    statuses = [(one["status"], one["labels"]["intent"]["label"]) for one in found["nights"]]
    assert statuses == [("active", "refund"), ("quarantined", "refund")]


def test_a_label_that_was_corrected(night: Run) -> None:
    task = story(night.path, "b1")["tasks"]["intent"]
    assert (task["given"], task["label"], task["origin"], task["issue"]) == ("slow", "outage", "corrected", True)
    assert task["weight"] == pytest.approx(0.97)
    assert "if cleaning.correct_above were 0.97 or more (it is 0.95)" in task["would_change"][0]


def test_votes_with_how_often_their_function_agrees_with_people(night: Run) -> None:
    """On a1, a2, a3 it says refund, as people do; on b2 people say slow. Weak u1 is no measure of it."""
    task = story(night.path, "u1")["tasks"]["intent"]
    assert task["votes"] == [{"function": "refund_word", "label": "refund", "labeled_votes": 4, "agree": 3}]
    assert (task["label"], task["origin"], task["weak_confidence"]) == ("refund", "weak", 0.9)
    unsure = story(night.path, "u2")["tasks"]["intent"]
    assert unsure["label"] is None
    assert "taken if weak_supervision.min_confidence were at most 0.6 (it is 0.8)" in unsure["would_change"][0]


def test_the_nearest_are_labeled_rows_that_are_not_gold(night: Run) -> None:
    """u2 shares "red", "light" with c1 and c2; g2 is gold and u1 unlabeled by people, but has a weak label."""
    near = story(night.path, "u2")["tasks"]["intent"]["nearest"]
    assert {one["id"] for one in near[:2]} == {"c1", "c2"}
    assert [one["label"] for one in near[:2]] == ["outage", "outage"]
    assert len(near) == 5
    assert not {"g1", "g2", "u2", "a1~1"} & {one["id"] for one in near}
    vectors = HashingEncoder().encode(["red light again", "no internet at all, the light is red"])
    cosine = {one["id"]: one["cosine"] for one in near}["c1"]
    assert cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-3)


def test_parents_and_children(night: Run) -> None:
    parent, child = stories(night.path, ["a1", "a1~1"])
    assert [one["id"] for one in parent["paraphrases"]] == ["a1~1"]
    assert parent["copies"] == ["a2"]
    assert child["parent"]["text"] == "where is the refund that you promised me"
    assert (child["gate"]["similarity"], child["gate"]["used"]) == (0.9, True)
    assert child["tasks"]["intent"]["would_change"] == ["another label of its source, row a1"]


def test_of_a_gold_row_nothing_is_proposed(night: Run) -> None:
    found = story(night.path, "g1")
    assert found["tasks"]["intent"]["would_change"] == []
    assert "a gold row, which nothing learns from" in "\n".join(story_lines(found))


def test_who_labeled_it_and_when(night: Run, tmp_path: Path) -> None:
    with Answers.open(tmp_path / "data" / "labels.sqlite") as kept:
        kept.add([Answer(row_id="u2", text="red light again", task="intent", label="outage", note="sure")], "ana")
        kept.add([Answer(row_id="u1", text="other", verdict=Verdict.JUNK)], "bo")
    found = story(night.path, "u2")
    (answer,) = found["answers"]
    assert (answer["task"], answer["label"], answer["who"], answer["note"]) == ("intent", "outage", "ana", "sure")
    assert f"answered       intent: outage (sure), by ana, {answer['at']}" in story_lines(found)
    assert story(night.path, "u1")["answers"][0]["verdict"] == "junk"
    assert story(night.path, "a1")["answers"] == []


def test_without_the_vectors_all_else_is_told(night: Run, tmp_path: Path) -> None:
    (tmp_path / "data" / "cache").rmdir()
    found = story(night.path, "a1")
    assert "vectors are gone" in found["why_not_nearest"]
    assert found["tasks"]["intent"]["nearest"] == []


def test_every_story_is_plain_json_and_can_be_told(night: Run) -> None:
    for found in stories(night.path, list(table.to_pandas(_cleaned())["id"])):
        json.dumps(found, allow_nan=False)
        assert story_lines(found)[1].startswith("verdict")


@pytest.mark.parametrize(
    ("asked", "row"),
    [("a1", "a1"), ("a1~", "a1~1"), ("Red light again!", "u2"), ("red light on the box", "c2"), ("g1", "g1")],
)
def test_a_row_by_its_id_its_beginning_or_its_text(night: Run, asked: str, row: str) -> None:
    assert find_row(night.path, asked) == row


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("b", r'3 rows whose id begins with "b"; .*b1 \(the internet'),
        ("a11", 'has no row "a11"; did you mean "a1'),
        ("the internet is so slow in the evening", r"near: b1"),
        ("zz", 'ids look like "a1"'),
    ],
)
def test_a_row_that_is_not_there_names_near_ones(night: Run, asked: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        find_row(night.path, asked)


def test_on_the_terminal(night: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "a2", "--run", str(night.path)]) == 0
    said = capsys.readouterr().out
    assert "verdict        quarantined: near duplicate; training learns nothing from it" in said
    assert "came from      first.csv, row 2 (train)" in said
    assert cli.main(["explain", "a2", "--run", str(night.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "a2"
    assert cli.main(["explain", "nobody", "--run", str(night.path)]) == 2


@pytest.mark.parametrize(
    ("value", "plain"),
    [(np.float32(0.9), 0.9), (np.nan, None), (np.int32(3), 3), (np.bool_(True), True), (pd.NA, None)],
)
def test_values_as_json_has_them(value: Any, plain: Any) -> None:
    assert _plain(value) == plain


def test_the_sentence_of_a_long_text_that_the_model_went_by_is_told(night: Run) -> None:
    assert story(night.path, "a1")["passage"] is None
    frame = table.to_pandas(store.read_table(night.path / "1-cleaning.parquet"))
    frame["passage"] = None
    frame.loc[0, "passage"] = 'Where is the "refund"?'
    store.write_table(night.path / "5-training.parquet", table.from_pandas(frame, TASKS))
    found, other = stories(night.path, ["a1", "b2"])
    assert [line.split(maxsplit=2)[2] for line in story_lines(found) if line.startswith("model read")] == [
        '"Where is the "refund"?"'
    ]
    assert not any(line.startswith("model read") for line in story_lines(other))
