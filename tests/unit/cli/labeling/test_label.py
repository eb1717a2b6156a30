"""`tilth label` at the terminal: what it says before the page is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.annotation.night import make_night
from tilth import annotation
from tilth.cli import main
from tilth.store.answers import Answer, Answers, Verdict


def test_rows_that_wait_are_counted_and_a_finished_queue_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["slow tonight", "red light"]
    make_night(tmp_path, texts)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(annotation, "serve", lambda *_, **__: None)
    command = ["label", "--no-browser", "--annotator", "ann"]
    every = ("2 rows to answer", "1 row to answer", "every row is answered and may be found and changed")
    for number, waiting in enumerate(every):
        assert main(command) == 0
        assert f"run 20260101-020000: {waiting}, as ann; stop with Ctrl-C" in capsys.readouterr().out
        if number < len(texts):
            given = [
                Answer(row_id=f"r{number}", text=texts[number], task=task, verdict=Verdict.LABEL, label=label)
                for task, label in (("area", "internet"), ("intent", "slow"))
            ]
            with Answers.open(tmp_path / "data/labels.sqlite") as answers:
                answers.add(given, "ann")
