"""A night that goes on without a stage asks people about what that stage doubts."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.night.stages.test_stage_ledger import HARMS, WORDS
from tests.unit.night.whole_night import completed
from tilth import ledger, night, store
from tilth import samples as table
from tilth import stage as stages
from tilth.io import ingest
from tilth.samples import Action, Reason, Status, escalate_status
from tilth.stage import StageResult
from tilth.store import Run, Workspace

NAMES = ("cleaning", "weak_supervision", "augmentation", "active_learning")
SKIPPED = {f"{name}.when": "never" for name in NAMES[1:3]}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """36 rows; cleaning says that r0 is wrong, r1 a toss-up, r2 nobody can say, and r3 junk, and it harms."""
    labels = [list(WORDS)[k % 3] for k in range(36)]
    texts = [" ".join([*np.roll(WORDS[one].split(), k)[:5], f"number {k}"]) for k, one in enumerate(labels)]
    texts[0] = "where has my parcel gone"  # like nothing else, so that an answer is worth something
    rows = pd.DataFrame({"id": [f"r{k}" for k in range(36)], "text": texts, "intent": labels})
    rows.to_csv(tmp_path / "in.csv", index=False)

    def doubt(samples: Any, config: Any, resources: stages.Resources) -> StageResult:
        frame = table.to_pandas(samples)
        frame["intent_action"] = [Action.SET_ASIDE, Action.REVIEW, *[Action.KEEP] * 34]
        frame["intent_suggested"] = "slow"
        frame["intent_given_confidence"] = np.array([0.05, 0.5, 0.7, *[0.99] * 33], dtype=np.float32)
        frame["intent_wrong_at_most"] = np.array([0.99, 0.6, 0.9, *[0.02] * 33], dtype=np.float32)
        escalate_status(frame, frame["id"].eq("r3").to_numpy(), Status.QUARANTINED, Reason.JUNK)
        return StageResult(samples=table.from_pandas(frame, resources.tasks))

    fake = SimpleNamespace(Config=stages.get("cleaning").Config, run=doubt)
    monkeypatch.setitem(sys.modules, "tilth.cleaning", fake)
    monkeypatch.setattr(ledger, "measure_on_train_rows", lambda *_, **__: HARMS)
    return Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")


def request(workspace: Workspace, *names: str, **options: Any) -> night.Request:
    given = {"data.input": [str(workspace.root / "in.csv")], "tasks": [{"name": "intent"}], **SKIPPED}
    start = options.pop("start", None)
    return night.Request(workspace=workspace, overrides={**given, **options}, stages=names, start=start)


def run_night(workspace: Workspace, *names: str, **options: Any) -> Run:
    return completed(request(workspace, *names, **options))


def asked(run: Run) -> dict[str, str]:
    queue = pd.read_csv(run.path / "queue.csv")
    return dict(zip(queue["id"], queue["detector"], strict=True))


def test_what_a_left_out_stage_doubts_is_asked_and_its_junk_is_not(workspace: Workspace) -> None:
    run = run_night(workspace, *NAMES, **{"active_learning.random": 0.0})
    assert asked(run) == {"r0": "suspect", "r1": "label_review", "r2": "possible_error"}
    last = table.to_pandas(store.read_table(run.path / "4-active_learning.parquet"))
    assert not any(name.startswith("intent_a") for name in last)  # the night has none of its columns, and all its rows
    assert last["status"].eq(Status.ACTIVE).all()
    everything = run_night(workspace, *NAMES, **{"active_learning.random": 1.0})
    assert "r3" not in asked(everything)


def test_it_is_asked_by_a_night_that_starts_later_and_a_dry_run_finds_it(workspace: Workspace) -> None:
    first = run_night(workspace, *NAMES)
    again = request(workspace, *NAMES)
    rows = {row["stage"]: row for row in night.plan(again, ingest(again.settings, workspace.root))}
    assert (rows["cleaning"]["cached"], rows["active_learning"]["cached"]) == (True, True)
    later = run_night(workspace, "active_learning", start="active_learning", **{"active_learning.batch": 40})
    assert (later.path / "left-out-cleaning.parquet").exists()
    assert {"suspect", "label_review", "possible_error"} <= set(asked(later).values())
    path = first.path / "left-out-cleaning.parquet"
    forgotten = store.find_everywhere(workspace, ["r0"])
    store.forget_tables(workspace, forgotten, dry_run=False)
    assert "r0" not in store.read_table(path)["id"]
