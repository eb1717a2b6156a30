"""A queue goes out to Label Studio, Argilla or `datasets`, and what people answered there comes back as answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from datasets import load_from_disk

from tests.unit.annotation.night import AREA, FORMULA, INTENT, MARKUP, TEXTS, make_night
from tilth import cli
from tilth.errors import InputError, RequestError
from tilth.io import labeling_config, read_filled_queue, write_queue
from tilth.io.answers import KnownRows, import_answers
from tilth.notes import Notes
from tilth.samples import Task
from tilth.store.answers import Answers

TASKS = (AREA, INTENT)
KNOWN = KnownRows(texts={f"r{number}": text for number, text in enumerate(TEXTS)}, gone={"p0": "the line is slow"})


def choice(task: str, label: str) -> dict[str, Any]:
    return {"from_name": task, "to_name": "text", "type": "choices", "value": {"choices": [label]}}


def taken(path: Path) -> set[tuple[str, str, str, str]]:
    """Row, task, label or verdict, and person, of what an import of the file stores."""
    frame = read_filled_queue(path.name, path.parent, Notes())
    with Answers.open(path.parent / "labels.sqlite") as answers:
        import_answers(frame, path.name, KNOWN, TASKS, answers, "somebody")
        now = answers.current()
    return {
        (row, task, label or verdict, who)
        for row, task, verdict, label, who in now[["row_id", "task", "verdict", "label", "who"]].to_numpy()
    }


@pytest.fixture
def tasks(tmp_path: Path) -> list[dict[str, Any]]:
    run = make_night(tmp_path)
    assert write_queue(run, tmp_path / "tasks.json") == 8
    found: list[dict[str, Any]] = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    return found


def test_label_studio_gets_texts_as_they_are_and_beliefs_as_predictions(tasks: list[dict[str, Any]]) -> None:
    assert [one["data"]["text"] for one in tasks[:2]] == ["my line is slow", MARKUP]
    assert tasks[4]["data"]["text"] == FORMULA  # no spreadsheet opens JSON
    assert tasks[0]["data"]["reason"] == 'The given intent "bill" looks wrong'
    assert tasks[5]["data"]["group"] == ["r6"]
    assert tasks[0]["predictions"][0]["result"] == [choice("area", "internet"), choice("intent", "slow")]


def test_answers_of_label_studio_come_back(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    note = {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["at", "night"]}}
    for one, result in zip(
        tasks,
        ([choice("intent", "down"), choice("area", "internet"), note], [choice("intent", "junk")]),
        strict=False,
    ):
        one["annotations"] = [{"id": 1, "completed_by": {"id": 1, "email": "ann@x.org"}, "result": result}]
    tasks[2]["annotations"] = [{"completed_by": 2, "was_cancelled": True, "result": [choice("intent", "slow")]}]
    tasks[5]["annotations"] = [{"completed_by": 2, "result": [choice("intent", "none of these")]}]
    (tmp_path / "out.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert taken(tmp_path / "out.json") == {
        ("r0", "intent", "down", "ann@x.org"),
        ("r0", "area", "internet", "ann@x.org"),
        ("r1", "", "junk", "ann@x.org"),
        ("r5", "intent", "none_of_these", "annotator 2"),
        ("r6", "intent", "none_of_these", "annotator 2"),  # the near copy
    }
    with Answers.open(tmp_path / "labels.sqlite") as answers:
        (line,) = (one for one in answers.history("r0") if one["task"] == "intent")
    assert line["note"] == "at night"
    assert line["shown"]["detector"] == "suspect"


def test_json_min_of_label_studio_comes_back(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    small = {**tasks[0]["data"], "id": 17, "intent": "refund", "annotator": 3, "annotation_id": 5, "lead_time": 1.5}
    (tmp_path / "min.json").write_text(json.dumps([small]), encoding="utf-8")
    assert taken(tmp_path / "min.json") == {("r0", "intent", "refund", "annotator 3")}


def test_the_labeling_interface_is_xml_with_every_class() -> None:
    odd = Task(name="a & b", labels=('<"x">', "y"))
    choices = ElementTree.fromstring(labeling_config([odd])).find("Choices")
    assert choices is not None
    assert choices.get("name") == "a & b"
    assert [one.get("value") for one in choices] == ['<"x">', "y", "none of these", "unclear", "junk"]


def test_records_of_argilla_there_and_back(tmp_path: Path) -> None:
    run = make_night(tmp_path)
    write_queue(run, tmp_path / "records.json", kind="argilla")
    records = json.loads((tmp_path / "records.json").read_text(encoding="utf-8"))
    assert records[0]["id"] == "r0"
    assert records[0]["fields"] == {"text": "my line is slow"}
    assert records[0]["suggestions"]["intent"] == {"value": "slow", "score": None, "agent": "tilth"}
    records[5]["responses"] = {
        "intent": [
            {"value": "refund", "user_id": "u-1"},
            *({"value": "bill", "user_id": "u-2", "status": status} for status in ("discarded", "draft")),
        ]
    }
    (tmp_path / "records.json").write_text(json.dumps(records), encoding="utf-8")
    assert taken(tmp_path / "records.json") == {("r5", "intent", "refund", "u-1"), ("r6", "intent", "refund", "u-1")}


def test_a_folder_of_datasets_there_and_back(tmp_path: Path) -> None:
    write_queue(make_night(tmp_path), tmp_path / "queue")
    rows = load_from_disk(str(tmp_path / "queue"))
    assert rows[4]["text"] == FORMULA
    filled = rows.map(lambda row: {"intent_answer": "bill" if row["id"] == "r4" else None})
    filled.save_to_disk(str(tmp_path / "filled"))
    assert taken(tmp_path / "filled") == {("r4", "intent", "bill", "somebody")}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "is no JSON"),
        ("{}", "expected a list"),
        ("[]", "empty list"),
        ('[{"x": 1}]', 'expected tasks of Label Studio with "data"'),
        ('[{"data": {"text": "x"}}]', 'task 1: no "tilth_id"'),
        ('[{"data": {"tilth_id": "r0", "text": "x"}, "annotations": []}]', "nobody has answered"),
        ("[" * 100_000, "x.json is no JSON"),
    ],
)
def test_another_json_is_refused_in_words(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=named):
        read_filled_queue("x.json", tmp_path, Notes())


def test_nothing_is_written_over_and_no_kind_is_guessed(tmp_path: Path) -> None:
    run = make_night(tmp_path)
    (tmp_path / "there.json").write_text("mine")
    with pytest.raises(RequestError, match="is there already"):
        write_queue(run, tmp_path / "there.json")
    with pytest.raises(RequestError, match='did you mean "argilla"'):
        write_queue(run, tmp_path / "x.json", kind="argila")
    with pytest.raises(RequestError, match="no kind of file"):
        write_queue(run, tmp_path / "x.xlsx")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine").touch()
    with pytest.raises(RequestError, match="--force leaves it"):
        write_queue(run, tmp_path / "folder", force=True)


def test_the_command_writes_the_interface_beside_the_tasks_and_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_night(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.xml").write_text("mine")
    assert cli.main(["queue", "export", "tasks.json"]) == 2
    assert "tasks.xml is there already" in capsys.readouterr().err
    assert not (tmp_path / "tasks.json").exists()
    assert cli.main(["queue", "export", "tasks.json", "--force"]) == 0
    assert "tilth queue import EXPORT.json" in capsys.readouterr().out
    assert ElementTree.parse(tmp_path / "tasks.xml").find("Text") is not None
