"""`tilth labels` and `tilth queue` at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth.cli import main
from tilth.store import LabelChanges
from tilth.store.answers import Answer, Answers, Verdict

CONFIG = """
[data]
input = ["in.csv"]

[[tasks]]
name = "intent"

[data.definitions]
slow = "The connection works, and is too slow."
"""
ROWS = "id,text,intent\n1,where is my refund,refund\n2,so slow tonight,slow\n3,why so slow,slow\n4,red light,\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tilth.toml").write_text(CONFIG)
    (tmp_path / "in.csv").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_class_is_renamed_and_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "rename", "slow", "sluggish", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 given labels become" in out
    assert "nothing was changed" in out
    assert not (here / "data" / "label-changes.json").exists()
    assert main(["labels", "rename", "slow", "sluggish"]) == 0
    assert main(["labels", "rename", "slow", "sluggish"]) == 2
    assert 'no class of task "intent"' in capsys.readouterr().err
    assert main(["labels", "rename", "slow", "sluggish", "--undo"]) == 0
    assert LabelChanges.read(here / "data").active == []
    assert main(["labels", "merge", "slow", "refund", "--into", "any"]) == 0
    assert main(["labels", "split", "any", "--into", "one"]) == 2
    assert "names 1 class; name two or more" in capsys.readouterr().err
    assert main(["labels", "split", "any", "--into", "one,two"]) == 0
    assert "3 given labels are asked again" in capsys.readouterr().out
    assert main(["labels", "split", "any", "--into", "one,two", "--undo"]) == 0
    assert '3 given labels become "any"' in capsys.readouterr().out


def test_an_undone_merge_says_which_labels_come_back_and_which_answers_do_not(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Answers.open(here / "data/labels.sqlite") as answers:
        answers.add([Answer(row_id="4", text="red light", task="intent", verdict=Verdict.LABEL, label="slow")], "ann")
    change = ["labels", "merge", "slow", "refund", "--into", "any"]
    assert main(change) == 0
    assert '1 answer becomes "any"' in capsys.readouterr().out
    assert main([*change, "--undo"]) == 0
    out = capsys.readouterr().out
    assert "3 given labels are read as your files have them" in out
    assert "1 answer is read as it was given" in out
    assert "asked again" not in out


def test_a_class_with_a_comma_in_its_name_is_in_quotes(here: Path) -> None:
    assert main(["labels", "split", "slow", "--into", '"slow, always", slow']) == 0
    assert LabelChanges.read(here / "data").active[0].after == ("slow, always", "slow")


def test_a_filled_file_is_imported_and_a_wrong_one_is_not(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "good.csv").write_text("id,intent_answer\n4,slow\n3,none of these\n1,\n")
    assert main(["queue", "import", "good.csv", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"] == 2
    assert not (here / "data/labels.sqlite").exists()
    (here / "bad.csv").write_text("id,intent_answer\n4,slow\n9,slow\n")
    assert main(["queue", "import", "bad.csv"]) == 2
    assert 'no row "9"' in capsys.readouterr().err
    assert main(["queue", "import", "good.csv", "--annotator", "ann"]) == 0
    assert "2 answers on 2 rows stored" in capsys.readouterr().out
    with Answers.open(here / "data/labels.sqlite") as answers:
        assert answers.people() == {"ann": 2}
    assert main(["queue", "export", "q.csv"]) == 2
    assert "tilth run --to active_learning" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("text,intent_answer", 'no column "id", the row of each answer; found "text", "intent_answer"'),
        ("id,text", 'no column of answers; found "id", "text", expected "intent_answer"; fill in the file'),
    ],
)
def test_a_file_without_a_needed_column_says_which_file_has_it(
    header: str, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.csv").write_text(f"{header}\n2,so slow tonight\n")
    assert main(["queue", "import", "bad.csv"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said
    assert "the file that tilth queue export writes" in said


def test_gold_rows_of_a_split_class_are_named_when_it_is_taken_back(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tilth.toml").write_text(CONFIG.replace("[[tasks]]", 'gold = "gold.csv"\n\n[[tasks]]'))
    (here / "gold.csv").write_text("id,text,intent\n9,slow again,slow\n8,my refund,refund\n")
    change = ["labels", "split", "slow", "--into", "evening,always"]
    assert main(change) == 0
    assert "1 gold label is asked again" in capsys.readouterr().out
    assert main([*change, "--undo"]) == 0
    out = capsys.readouterr().out
    assert '2 given labels become "slow"' in out
    assert "gold rows of that class are measured on again" in out
