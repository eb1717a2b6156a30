"""One whole night on 200 real rows, by the one command, with the real libraries; then what a person does next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
STAGES = ["cleaning", "weak_supervision", "augmentation", "active_learning", "training"]
QUICK = ["--set", "augmentation.sources=12", "--set", "augmentation.adapt.steps=2", "--set", "training.trunk=frozen"]


def tilth(*arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tilth.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    tilth("init", str(folder), cwd=ROOT)
    for name, rows in (("inbox.csv", 200), ("gold.csv", 60)):
        path = folder / "data" / "raw" / name
        pd.read_csv(path, dtype=str, keep_default_na=False).head(rows).to_csv(path, index=False)
    return folder


@pytest.fixture(scope="module")
def night(workspace: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads(tilth("run", "--json", *QUICK, cwd=workspace).stdout)
    return record


def test_every_stage_did_its_work(night: dict[str, object], workspace: Path) -> None:
    assert night["status"] == "completed"
    stages: list[dict[str, object]] = night["stages"]  # type: ignore[assignment]
    assert [stage["name"] for stage in stages] == STAGES
    assert [stage["name"] for stage in stages if stage["skipped"]] == []
    run = workspace / "data" / "runs" / str(night["run_id"])
    for name in ("votes.parquet", "queue.csv", "report.html", "report.json", "model"):
        assert (run / name).exists(), name
    assert not list(run.rglob("*.tilth-tmp-*"))


def test_gold_is_measured_and_better_than_chance(night: dict[str, object]) -> None:
    gold: dict[str, dict[str, float]] = night["gold"]  # type: ignore[assignment]
    assert gold["area"]["accuracy"] > 0.4  # five areas


def test_no_row_is_lost(night: dict[str, object], workspace: Path) -> None:
    last = pd.read_parquet(workspace / "data" / "runs" / str(night["run_id"]) / "5-training.parquet")
    raw = workspace / "data" / "raw"
    ids = {row for name in ("inbox.csv", "gold.csv") for row in pd.read_csv(raw / name, dtype=str)["id"]}
    assert ids <= set(last["id"])
    assert last.loc[last["split"] == "gold", "status"].eq("active").all()


def test_a_second_identical_night_comes_from_the_cache_and_is_equal(night: dict[str, object], workspace: Path) -> None:
    again = json.loads(tilth("run", "--json", *QUICK, cwd=workspace).stdout)
    assert all(stage["cached"] for stage in again["stages"])
    runs = workspace / "data" / "runs"
    first, second = (pd.read_parquet(runs / str(r["run_id"]) / "5-training.parquet") for r in (night, again))
    pd.testing.assert_frame_equal(first, second)


def test_export_and_predict_use_the_latest_night(night: dict[str, object], workspace: Path) -> None:
    tilth("export", "better.csv", cwd=workspace)
    assert {"text", "intent", "intent_weight", "source"} <= set(pd.read_csv(workspace / "better.csv").columns)
    answer = json.loads(tilth("predict", "my bill is far too high this month", cwd=workspace).stdout)
    assert 0 <= answer["intent"]["confidence"] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--to", "cleening"], 'did you mean "cleaning"'),
        (["run", "--set", "seeed=1"], 'did you mean "seed"'),
        (["run", "--input", "nowhere.csv"], "no file"),
        (["run", "--text", "body"], 'no column "body"'),
    ],
)
def test_a_wrong_request_exits_with_2_and_writes_nothing(arguments: list[str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    tilth("init", str(folder), cwd=ROOT)
    done = tilth(*arguments, cwd=folder, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["raw"]
