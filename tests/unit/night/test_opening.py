"""What a night starts from."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from tests.conftest import TASKS
from tilth import store
from tilth.io import Ingested
from tilth.night.opening import draft
from tilth.night.request import Request
from tilth.store import Workspace


def test_what_a_stage_leaves_goes_on_through_a_night_in_which_it_leaves_nothing(
    samples: Dataset, tmp_path: Path
) -> None:
    workspace = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")
    carried = {"in": {"augmentation": "older"}, "out": {"augmentation": "newer"}}
    store.write_json(workspace.runs / "latest/run.json", {"carried": carried, "inputs": [{"sha256": "yesterday"}]})
    for name in ("older", "newer"):
        (workspace.state / name).mkdir(parents=True)

    def opened(rows: str) -> object:
        ingested = Ingested(samples=samples, tasks=TASKS, inputs=[{"sha256": rows}])
        return draft(Request(workspace=workspace), ingested)[0]["carried"]

    assert opened("today") == {"in": {"augmentation": "newer"}, "out": {"augmentation": "newer"}}
    assert opened("yesterday") == {"in": {"augmentation": "older"}, "out": {"augmentation": "older"}}
