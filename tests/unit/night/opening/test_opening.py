"""What a night starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import Dataset

from tests.small_table import TASKS
from tilth import store
from tilth.io import Ingested
from tilth.night.opening import begin, draft
from tilth.night.opening.request import Request
from tilth.store import Workspace


def left(workspace: Workspace, words: str) -> str:
    """A folder of the carried state, by its digest."""
    folder = workspace.state / "made"
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text(words, encoding="utf-8")
    digest = store.digest_tree(folder)
    folder.rename(workspace.state / digest)
    return digest


def test_what_a_stage_leaves_goes_on_through_a_night_in_which_it_leaves_nothing(
    samples: Dataset, tmp_path: Path
) -> None:
    workspace = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")
    older, newer = left(workspace, "older"), left(workspace, "newer")
    carried = {"in": {"augmentation": older}, "out": {"augmentation": newer}}
    record = {"carried": carried, "inputs": [{"sha256": "yesterday"}], "stages": []}
    store.write_json(workspace.runs / "latest/run.json", record)

    def opened(rows: str) -> object:
        ingested = Ingested(samples=samples, tasks=TASKS, inputs=[{"sha256": rows}])
        return draft(Request(workspace=workspace), ingested).record["carried"]

    assert opened("today") == {"in": {"augmentation": newer}, "out": {"augmentation": newer}}
    assert opened("yesterday") == {"in": {"augmentation": older}, "out": {"augmentation": older}}
    (workspace.state / newer / "words.txt").write_text("another", encoding="utf-8")  # a disk that forgets
    assert opened("today") == {"in": {}, "out": {}}


def test_what_is_damaged_is_said_once_a_night_and_every_night(
    samples: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")
    kept = left(workspace, "older")
    (workspace.state / kept / "words.txt").write_text("another", encoding="utf-8")
    record = {"carried": {"in": {"augmentation": kept}, "out": {"augmentation": kept}}, "inputs": [], "stages": []}
    store.write_json(workspace.runs / "latest/run.json", record)
    request = Request(workspace=workspace)
    ingested = Ingested(samples=samples, tasks=TASKS, inputs=[{"sha256": "today"}])
    for nights in (1, 2):
        draft(request, ingested)  # as the command line checks a request before it opens a run
        begin(request, ingested)
        assert caplog.text.count(f"{kept} is damaged") == nights
