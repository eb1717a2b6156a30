"""Transfer text: drawn where training asks for it, published in the run's folder, and handed to training."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from tests.small_table import ROWS
from tests.unit.night.whole_night import completed
from tilth import night, store
from tilth import stage as stages
from tilth.io import ingest
from tilth.stage import Resources, StageResult
from tilth.store import Run, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    rows = [(row_id, text, intent) for row_id, text, split, _, intent in ROWS if split == "train" and intent]
    pd.DataFrame(rows, columns=["id", "text", "intent"]).to_csv(tmp_path / "in.csv", index=False)
    return Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the two stages, which do nothing else, were handed; `text` is what augmentation draws."""
    seen: list[Any] = []

    def draw(samples: Any, config: Any, resources: Resources) -> StageResult:
        seen.append(resources.candidates_wanted)
        path = resources.scratch / store.CANDIDATES
        pd.DataFrame({"parent_id": [ROWS[0][0]], "text": [f"paraphrase {resources.seed}"]}).to_parquet(path)
        artifacts = {store.CANDIDATES: path} if resources.candidates_wanted else {}
        return StageResult(samples=samples, skipped="no gain is expected", artifacts=artifacts)

    def learn(samples: Any, config: Any, resources: Resources) -> StageResult:
        path = resources.candidates
        seen.append(None if path is None else pd.read_parquet(path)["text"].tolist())
        return StageResult(samples=samples, skipped="a test")

    for name, run in (("augmentation", draw), ("training", learn)):
        module = SimpleNamespace(Config=stages.get(name).Config, run=run)
        if name == "training":
            module.wants_candidates = lambda config: config.trunk == "tuned"
        monkeypatch.setitem(sys.modules, f"tilth.{name}", module)
    return seen


def request(workspace: Workspace, *names: str, start: str | None = None, **overrides: Any) -> night.Request:
    given = {"data.input": [str(workspace.root / "in.csv")], "tasks": [{"name": "intent"}]}
    overrides = {key.replace("__", "."): value for key, value in overrides.items()}
    return night.Request(workspace=workspace, overrides=given | overrides, stages=names, start=start)


def run_night(workspace: Workspace, *names: str, **options: Any) -> Run:
    return completed(request(workspace, *names, **options))


def test_a_night_that_asks_for_it_draws_publishes_and_hands_it_on(workspace: Workspace, handed: list[Any]) -> None:
    run = run_night(workspace, "augmentation", "training", training__trunk="tuned")
    assert handed == [True, ["paraphrase 0"]]
    assert pd.read_parquet(run.path / "candidates.parquet")["text"].tolist() == ["paraphrase 0"]
    again = run_night(workspace, "augmentation", "training", training__trunk="tuned")
    assert len(handed) == 2  # both from the cache
    assert (again.path / "candidates.parquet").exists()


def test_none_is_drawn_where_nobody_asks(workspace: Workspace, handed: list[Any]) -> None:
    run = run_night(workspace, "augmentation", "training")
    assert handed == [False, None]
    assert not (run.path / "candidates.parquet").exists()
    run_night(workspace, "augmentation", training__trunk="tuned")  # training is not part of this night
    run_night(workspace, "augmentation", "training", training__trunk="tuned", training__when="never")
    assert handed == [False, None]  # the same night as before, from the cache


def test_a_night_from_training_on_is_handed_those_of_the_run_that_it_starts_from(
    workspace: Workspace, handed: list[Any]
) -> None:
    before = ("cleaning", "weak_supervision")
    skip = {f"{name}__when": "never" for name in before}
    run_night(workspace, *before, "augmentation", "training", training__trunk="tuned", **skip)
    assert handed == [True, ["paraphrase 0"]]
    options = {"start": "training", "training__trunk": "tuned", "training__max_tune_rows": 1, **skip}
    earlier = store.latest(workspace.runs) or store.all_runs(workspace.runs)[-1]
    store.write_table(earlier.path / "4-active_learning.parquet", store.read_table(earlier.path / "0-input.parquet"))
    run_night(workspace, "training", **options)
    assert handed == [True, ["paraphrase 0"], ["paraphrase 0"]]


def test_training_is_performed_anew_when_the_candidates_change(workspace: Workspace, handed: list[Any]) -> None:
    names = ("augmentation", "training")
    settings = {"training__trunk": "tuned", "augmentation__when": "always"}
    run = run_night(workspace, *names, **settings)
    asked = request(workspace, *names, **settings)
    plan = {row["stage"]: row for row in night.plan(asked, ingest(asked.settings, workspace.root))}
    assert (plan["augmentation"]["cached"], plan["training"]["cached"]) == (True, True)
    pd.DataFrame({"parent_id": ["a"], "text": ["another"]}).to_parquet(run.path / "candidates.parquet")
    night.perform(run, "training")
    assert handed == [True, ["paraphrase 0"], ["another"]]


def test_augmentation_is_handed_how_training_would_train_the_encoder(
    workspace: Workspace, handed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where paraphrases are left to the proof; it is asked anew where training would train otherwise."""
    seen: list[str | None] = []

    def prove(samples: Any, config: Any, resources: Resources) -> StageResult:
        seen.append(None if resources.encoder_tuner is None else resources.encoder_tuner.fingerprint)
        return StageResult(samples=samples, skipped="a test")

    monkeypatch.setattr(sys.modules["tilth.augmentation"], "run", prove)
    tuner = staticmethod(lambda config: SimpleNamespace(fingerprint=f"{config.steps} steps"))
    monkeypatch.setattr(sys.modules["tilth.training"], "encoder_tuner", tuner, raising=False)
    names = ("augmentation", "training")
    run_night(workspace, *names, training__steps=5)
    run_night(workspace, *names, training__steps=5, training__max_tune_rows=1)  # from the cache
    run_night(workspace, *names, training__steps=6)
    run_night(workspace, *names, training__steps=6, augmentation__when="always")
    run_night(workspace, "augmentation", training__steps=7)  # training is not part of this night
    assert seen == ["5 steps", "6 steps", None, None]
