"""`tilth paraphraser` on a small workspace of its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.small_table import ROWS, HashingEncoder
from tilth import cli
from tilth.cli.workspace import workspace_data


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = [f'{i},"{text}",{intent or ""}' for i, text, split, _, intent in ROWS if split != "gold"]
    (tmp_path / "in.csv").write_text("\n".join(["id,text,intent", *lines]))
    tasks = '[[tasks]]\nname = "intent"\n[augmentation.adapt]\nlow = 0.2\nheldout = 0.2\n'
    (tmp_path / "tilth.toml").write_text(f'[data]\ninput = ["in.csv"]\n{tasks}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace_data.WorkspaceData, "encoder", HashingEncoder())
    return tmp_path


def test_what_is_trained_is_a_folder_that_can_be_sampled(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["paraphraser", "train", "mine", "--steps", "1"]) == 0
    printed = capsys.readouterr().out
    assert "1 steps" in printed
    assert f'augmentation.denoiser="{workspace / "mine"}"' in printed
    assert (workspace / "mine/denoiser/config.json").exists()
    sample = ["paraphraser", "sample", "where is my refund", "--denoiser", "mine", "-n", "3", "--noise", "0.5"]
    assert cli.main(sample) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert lines[0] == "where is my refund"
    assert [line[:8] for line in lines[1:]] == ["  0.50  "] * 3
    assert cli.main(sample) == 0
    assert capsys.readouterr().out == first


def test_without_a_night_the_one_in_the_package_speaks_and_texts_come_from_standard_input(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"please cancel my order\n\n!!\n")))
    assert cli.main(["paraphraser", "sample", "-n", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[2]] == ["please cancel my order", "!!"]
    assert len(lines[1].split()) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "in.csv"], "is there already"),
        (["train", "new", "--steps", "0"], "at least 1"),
        (["train", "new", "--denoiser", "nowhere"], "holds neither"),
        (["sample", "x", "-n", "0"], "at least 1"),
        (["sample", "x", "--noise", "1.5"], "at most 1"),
        (["sample", "x", "--denoiser", "nowhere"], "holds neither"),
    ],
)
def test_a_wrong_request_says_what_would_be_right(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(["paraphraser", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (workspace / "new").exists()
