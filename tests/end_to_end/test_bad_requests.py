"""A wrong request: exit status 2, a message that says what was found and what to do, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import Workspace, new_workspace
from tilth.cli import main

HEADER = "id,text,area,intent\n"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return new_workspace(tmp_path_factory.mktemp("bare") / "workspace")


def content(data: bytes | str) -> Callable[[Workspace], None]:
    raw = data.encode() if isinstance(data, str) else data
    return lambda workspace: (workspace.root / "rows.csv").write_bytes(raw) and None


def config(text: str) -> Callable[[Workspace], None]:
    def write(workspace: Workspace) -> None:
        with (workspace.root / "tilth.toml").open("a", encoding="utf-8") as file:
            file.write(text)

    return write


ROWS = ("--input", "rows.csv")
CASES = {
    "missing file": (None, ("--input", "data/raw/inbx.csv"), ["no file", "inbx.csv", 'did you mean "inbox.csv"?']),
    "missing gold": (None, ("--gold", "gold.csv"), ["no file", "gold.csv"]),
    "a folder": (None, ("--input", "data/raw"), ["data/raw", "is a folder", "name a file"]),
    "an empty name": (None, ("--gold", ""), ["is a folder"]),
    "nothing of the Hub": (None, ("--input", "hf:"), ["names no data set", "hf:owner/name"]),
    "another kind": (None, ("--input", "tilth.toml"), [".toml", "valid:", ".csv", ".jsonl", ".parquet"]),
    "missing text column": (None, ("--text", "body"), ['no column "body"', "channel", "--text COLUMN"]),
    "missing label column": (
        None,
        ("--label", "intnt"),
        ['no column "intnt"', 'did you mean "intent"?', "--label COLUMN"],
    ),
    "unknown parent": (None, ("--label", "zone/intent"), ['parent "zone"', "not declared before it"]),
    "unknown key": (config("\n[cleanin]\noutlier = 1\n"), (), ['unknown key "cleanin"', 'did you mean "cleaning"?']),
    "unknown --set": (None, ("--set", "training.step=3"), ['"training.step"', 'did you mean "steps"?']),
    "no value in --set": (None, ("--set", "seed"), ["key.sub=value", '"seed"']),
    "wrong type": (None, ("--set", "training.steps=many"), ["training.steps", "integer", "'many'"]),
    "not TOML": (config("\n[cleaning\n"), (), ["tilth.toml is not TOML", "line"]),
    "unknown --from": (None, ("--from", "trainning"), ['"trainning"', 'did you mean "training"?']),
    "unknown --to": (None, ("--to", "polish"), ['"polish"', "valid:", "augmentation"]),
    "unknown --skip": (None, ("--skip", "clean"), ['"clean"', 'did you mean "cleaning"?']),
    "nothing left": (None, ("--from", "training", "--to", "cleaning"), ["no stage is left", "the order is cleaning"]),
    "no earlier run": (None, ("--from", "training"), ["--from training", "tilth run --to active_learning"]),
    "no such encoder": (None, ("--set", "encoder.model=./nowhere"), ["./nowhere", '"default"']),
    "no such denoiser": (None, ("--set", "augmentation.denoiser=./nowhere"), ["./nowhere", "save_pretrained"]),
    "no such filter": (None, ("--set", "cleaning.filter=joint"), ['"joint"', "valid: ", "joint margin"]),
    "no accelerator": (
        None,
        ("--set", "augmentation.backend=llada2", "--set", "augmentation.large.device=cuda:9"),
        ["cuda:9", 'augmentation.backend = "tilth"'],
    ),
    "no such config": (None, ("-c", "tilht.toml"), ["tilht.toml", "tilth init DIR"]),
    "not UTF-8": (
        content(HEADER.encode() + b"1,caf\xe9,a,b\n"),
        ROWS,
        ["not UTF-8 at line 2", "0xe9", "iconv -f latin1 -t utf-8 ", "rows.csv > utf8-rows.csv"],
    ),
    "empty file": (content(b""), ROWS, ["the file is empty", "expected a header and rows"]),
    "header alone": (content(HEADER), ROWS, ["no rows", "at least one row"]),
    "repeated ids": (
        content(HEADER + "7,one,a,b\n7,two,a,b\n8,three,a,b\n"),
        ROWS,
        ["1 ids are repeated", "7", "must be unique"],
    ),
    "no usable row": (content(HEADER + "1,,a,b\n2,  ,a,b\n"), ROWS, ["no usable row", "all 2 texts are empty"]),
    "no label": (content(HEADER + "1,one,,\n2,two,,\n"), ROWS, ["no row has a label", "declare its classes"]),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_and_nothing_is_written(
    bare: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """In this process, which has loaded already what each command would load anew, as in most tests below."""
    prepare, arguments, told = CASES[name]
    workspace = bare.copy(tmp_path / "workspace")
    if prepare is not None:
        prepare(workspace)
    before = workspace.tree()
    monkeypatch.chdir(workspace.root)
    status = main(["run", *arguments])
    shown = capsys.readouterr()
    assert status == 2, shown.err
    assert shown.out == ""
    assert shown.err.startswith("tilth: ")
    assert "Traceback" not in shown.err
    for part in told:
        assert part in shown.err
    assert workspace.tree() == before


def test_outside_any_workspace_the_way_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("run", "report", "export rows.csv", "predict hello", "serve --cron @daily"):
        assert main(command.split()) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "tilth init DIR" in shown.err
    assert list(tmp_path.iterdir()) == []


def test_commands_on_runs_that_are_not_there(
    bare: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = bare.copy(tmp_path / "workspace")
    before = workspace.tree()
    monkeypatch.chdir(workspace.root)
    for command in (["report"], ["export", "rows.csv"], ["predict", "hello"]):
        assert main(command) == 2
        assert "start one with: tilth run" in capsys.readouterr().err
    done = workspace("init", ".", timeout=60)  # by the script itself
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert workspace.tree() == before
