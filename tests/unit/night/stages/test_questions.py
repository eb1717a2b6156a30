"""What a stage would ask the next night: kept in the carried state, named in the record, and asked."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.small_table import ROWS, TASKS, make_table
from tilth import stage as stages
from tilth.errors import ContractError
from tilth.night.stages.context import Context
from tilth.night.stages.stage_runner import write_result
from tilth.stage import Question, StageResult, read_questions, write_questions
from tilth.store import read_json


@pytest.fixture
def question(monkeypatch: pytest.MonkeyPatch) -> Question:
    monkeypatch.setitem(stages.questions._SOURCES, "flipped", 5.0)
    reason = "A paraphrase of it gets another answer"
    return Question.about("a1", ROWS[0][1], detector="flipped", reason=reason, doubt=0.7, task="intent", belief="slow")


def test_a_question_is_of_a_registered_source_and_its_doubt_a_probability(question: Question) -> None:
    assert question.seconds == 5
    with pytest.raises(ContractError, match="expected 0 to 1"):
        Question.about("a1", "x", detector="flipped", reason="", doubt=1.2, task=None)
    with pytest.raises(ContractError, match='no source of questions is named "nobody"'):
        Question.about("a1", "x", detector="nobody", reason="", doubt=0.5, task=None)


def test_questions_are_written_with_a_stage_and_read_back(question: Question, tmp_path: Path) -> None:
    with_none = tmp_path / "none"
    with_none.mkdir()
    write_result(with_none, StageResult(samples=make_table()))
    assert read_json(with_none / "result.json")["questions"] is None
    write_result(tmp_path, StageResult(samples=make_table(), questions=[question]))
    assert read_json(tmp_path / "result.json")["questions"]
    assert read_questions([tmp_path / "questions", tmp_path / "questions"]) == (question, question)


def test_active_learning_alone_is_handed_what_the_last_night_left(question: Question, tmp_path: Path) -> None:
    write_questions(tmp_path, [question])
    context = Context.__new__(Context)
    context._carried = {"training.questions": "abc", "augmentation.questions": "def", "training": "weights"}
    assert context.questions("active_learning") == ["def", "abc"]
    assert context.questions("training") == []


def test_a_stage_may_not_ask_in_the_name_of_nobody(
    question: Question, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(samples: object, config: object, resources: object) -> StageResult:
        return StageResult(samples=make_table(), questions=[question])

    fake = SimpleNamespace(Config=stages.get("training").Config, run=run)
    monkeypatch.setitem(sys.modules, "tilth.training", fake)
    resources = SimpleNamespace(tasks=TASKS, scratch=tmp_path)
    assert stages.perform("training", make_table(), fake.Config(), resources).questions == [question]  # type: ignore[arg-type]
    monkeypatch.delitem(stages.questions._SOURCES, "flipped")
    with pytest.raises(ContractError, match='no source of questions is named "flipped"'):
        stages.perform("training", make_table(), fake.Config(), resources)  # type: ignore[arg-type]
