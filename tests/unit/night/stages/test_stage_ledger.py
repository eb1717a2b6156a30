"""The ledger in a night: a stage that harms is left out of what follows, and nothing is measured twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth import ledger, night, store
from tilth.io import ingest
from tilth.ledger import Measurement, Verdict
from tilth.store import Run, Workspace

WORDS = {
    "refund": "refund money back bank returned owed cheque repaid credited",
    "slow": "slow speed crawling buffering evening lag download loading stuck",
    "outage": "outage red light dead router nothing connection dropped storm",
}
HARMS = Measurement(verdict=Verdict.HARMS, rows=80, with_stage=0.5, without=0.75, interval=(-0.375, -0.125))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """72 train rows, every sixth of them wrongly labeled, and 30 gold rows."""
    root = tmp_path_factory.mktemp("workspace")
    draw = np.random.default_rng(0)
    labels = [list(WORDS)[k % 3] for k in range(102)]
    texts = [" ".join([*draw.choice(WORDS[one].split(), 5), f"number {k}"]) for k, one in enumerate(labels)]
    given = [list(WORDS)[(k + 1) % 3] if k < 72 and k % 6 == 0 else one for k, one in enumerate(labels)]
    rows = pd.DataFrame({"id": [f"r{k}" for k in range(102)], "text": texts, "intent": given})
    rows.head(72).to_csv(root / "in.csv", index=False)
    rows.tail(30).to_csv(root / "gold.csv", index=False)
    return Workspace(root=root, config=None, data=root / "data", runs=root / "data/runs")


def settings(workspace: Workspace, **overrides: Any) -> dict[str, Any]:
    return {
        "data.input": [str(workspace.root / "in.csv")],
        "data.gold": str(workspace.root / "gold.csv"),
        "tasks": [{"name": "intent"}],
        "cleaning.planted": 50,
        "cleaning.rounds": 1,
        **{name.replace("__", "."): value for name, value in overrides.items()},
    }


def run_night(workspace: Workspace, *stages: str, **overrides: Any) -> tuple[Run, list[dict[str, Any]]]:
    request = night.Request(workspace=workspace, overrides=settings(workspace, **overrides), stages=stages)
    run = night.begin(request)
    entries = [night.perform(run, name) for name in stages]
    night.finish(run)
    return run, entries


def test_what_a_stage_bought_is_measured_once_and_then_carried_with_its_date(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, (entry,) = run_night(workspace, "cleaning")
    told = first.record["ledger"]
    assert told["train"]["cleaning"]["verdict"] != "not measured"
    assert told["train"]["cleaning"]["left_out"] is False
    assert entry["left_out"] is None
    gold = told["gold"]["cleaning"]
    assert (gold["rows"], gold["verdict"]) == (30, gold["verdict"])
    assert gold["difference"] == pytest.approx(gold["with"] - gold["without"], abs=1e-4)
    monkeypatch.setattr(ledger, "measure_on_train_rows", None)  # whoever measures again, fails
    monkeypatch.setattr(ledger, "measure_on_gold", None)
    second, _ = run_night(workspace, "cleaning")
    assert second.record["ledger"] == told


def test_a_stage_that_harms_is_left_out_of_what_follows(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "measure_on_train_rows", lambda *_, **__: HARMS)
    run, (entry, _) = run_night(workspace, "cleaning", "weak_supervision", seed=1)
    first, left_out = (store.read_table(run.path / name) for name in ("0-input.parquet", "1-cleaning.parquet"))
    assert store.digest_table(first) == store.digest_table(left_out)
    assert "intent_action" not in store.read_table(store.newest_table(run.path)).column_names
    assert run.record["ledger"]["train"]["cleaning"]["left_out"] is True
    line = night.line(entry)
    assert line.startswith(
        "cleaning          left out of what follows, for it harms: a linear probe scores 0.500 with it"
    )
    assert "difference -0.250, 95% interval -0.375 to -0.125" in line
    assert line.endswith('cleaning.when = "always" keeps it')
    assert run.record["ledger"]["gold"]["cleaning"]["verdict"] == "unchanged"


def test_a_dry_run_knows_what_was_left_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "measure_on_train_rows", lambda *_, **__: HARMS)
    overrides = settings(workspace, seed=2)
    run_night(workspace, "cleaning", "weak_supervision", seed=2)
    request = night.Request(workspace=workspace, overrides=overrides, stages=("cleaning", "weak_supervision"))
    ingested = ingest(request.settings, workspace.root)
    rows = {row["stage"]: row for row in night.plan(request, ingested)}
    assert rows["weak_supervision"]["cached"] is True  # of the table that cleaning was handed
    for folder in (workspace.cache / "ledger").iterdir():
        (folder / "measured.json").unlink()
    rows = {row["stage"]: row for row in night.plan(request, ingested)}
    assert (rows["weak_supervision"]["cached"], rows["weak_supervision"]["after"]) == (None, "cleaning")


def test_a_ledger_that_cannot_be_measured_or_read_is_no_failure(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ledger, "measure_on_train_rows", None)
    run, _ = run_night(workspace, "cleaning", seed=3)
    told = run.record["ledger"]["train"]["cleaning"]
    assert (told["verdict"], told["left_out"]) == ("not measured", False)
    assert told["why_not"].startswith("TypeError")
    assert "what cleaning bought cannot be measured" in caplog.text
    monkeypatch.undo()
    first, _ = run_night(workspace, "cleaning", seed=3)
    for folder in (workspace.cache / "ledger").iterdir():
        (folder / "measured.json").write_text("{half")
    again, _ = run_night(workspace, "cleaning", seed=3)
    before, after = first.record["ledger"], again.record["ledger"]
    for told in (*before.values(), *after.values()):
        told["cleaning"].pop("measured")
    assert after == before


def test_a_night_from_a_later_stage_takes_the_measurements_over(workspace: Workspace) -> None:
    first, _ = run_night(workspace, "cleaning", seed=4)
    overrides = settings(workspace, seed=4)
    request = night.Request(
        workspace=workspace, overrides=overrides, stages=("weak_supervision",), start="weak_supervision"
    )
    second = night.begin(request)
    assert second.record["taken_from"] == first.path.name
    assert second.record["ledger"] == {"train": first.record["ledger"]["train"]}


def test_always_keeps_a_stage_and_measures_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "measure_on_train_rows", lambda *_, **__: HARMS)
    run, (entry,) = run_night(workspace, "cleaning", seed=1, cleaning__when="always")
    assert entry["left_out"] is None
    assert run.record["ledger"]["train"]["cleaning"]["verdict"] == "not measured"
    assert "intent_action" in store.read_table(run.path / "1-cleaning.parquet").column_names


def test_never_skips_a_stage_and_says_so(workspace: Workspace) -> None:
    run, (entry, _) = run_night(workspace, "cleaning", "weak_supervision", cleaning__when="never")
    assert entry["skipped"] == '[cleaning] when = "never"'
    assert night.line(entry) == 'cleaning          skipped: [cleaning] when = "never"'
    assert run.record["ledger"]["gold"]["cleaning"]["verdict"] == "unchanged"
    assert store.newest_table(run.path, 2).name == "1-cleaning.parquet"  # from which a later night may start


def test_other_gold_labels_change_the_gold_ledger_alone(workspace: Workspace, tmp_path: Path) -> None:
    first, _ = run_night(workspace, "cleaning")
    other = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data/runs")
    gold = pd.read_csv(workspace.root / "gold.csv")
    gold["intent"] = gold["intent"].to_numpy()[::-1]
    gold.to_csv(tmp_path / "gold.csv", index=False)
    (tmp_path / "in.csv").write_bytes((workspace.root / "in.csv").read_bytes())
    second, _ = run_night(other, "cleaning")
    before, after = first.record["ledger"], second.record["ledger"]
    for entry in (before["train"]["cleaning"], after["train"]["cleaning"]):
        entry.pop("measured")
    assert before["train"] == after["train"]
    assert before["gold"]["cleaning"]["with"] != after["gold"]["cleaning"]["with"]
