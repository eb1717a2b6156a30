"""A night asks, a person answers forty rows in a file, and the next night has learned from them, and says so."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from tests.command_line import Workspace, new_workspace
from tilth.io.exports.csv_writer import write_csv

pytestmark = pytest.mark.slow

NIGHT = ("run", "--to", "active_learning", "--skip", "augmentation", "--set", "active_learning.batch=40")
RAW = Path(__file__).parents[2] / "data/raw"


def filled(workspace: Workspace, queue: Path) -> pd.DataFrame:
    """The queue as somebody fills it in who knows the truth: what is no message is junk."""
    rows = pd.read_csv(queue, dtype=str, keep_default_na=False)
    with (RAW / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["id"]: row for row in csv.DictReader(file)}
    said = [truth[row] for row in rows["id"]]
    rows["intent_answer"] = [one["intent"] or "junk" for one in said]
    rows["area_answer"] = [one["area"] if one["intent"] else "" for one in said]
    return rows


def test_answers_come_back_as_labels_that_nothing_overrules(tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path / "workspace")
    first = workspace(*NIGHT)
    assert first.returncode == 0, first.stderr
    queue = workspace.runs[-1] / "queue.csv"
    rows = filled(workspace, queue)
    before = pd.read_parquet(workspace.runs[-1] / "4-active_learning.parquet").set_index("id")
    settled = before[before["intent_given"].eq("slow_speed") & before["split"].eq("train")].drop(
        rows["id"], errors="ignore"
    )
    changed = {"id": settled.index[0], "text": settled["text"].iloc[0], "intent_answer": "no_internet"}
    rows = pd.concat([rows, pd.DataFrame([changed])], ignore_index=True).fillna("")
    write_csv(rows, tmp_path / "filled.csv")
    took = workspace("queue", "import", str(tmp_path / "filled.csv"), "--annotator", "ann")
    assert took.returncode == 0, took.stderr
    assert "filled.csv: " in took.stdout

    second = workspace(*NIGHT)
    assert second.returncode == 0, second.stderr
    assert "answers of 1 person are applied" in second.stderr
    record = workspace.record()
    after = pd.read_parquet(workspace.runs[-1] / "4-active_learning.parquet").set_index("id")
    answered = rows[rows["intent_answer"].ne("junk")].set_index("id")["intent_answer"]
    assert len(answered) >= 20
    assert after.loc[answered.index, "intent_origin"].eq("annotator").all()
    assert after.loc[answered.index, "intent"].eq(answered).all()
    junk = rows.loc[rows["intent_answer"].eq("junk"), "id"]
    assert after.loc[junk, "status"].eq("quarantined").all()
    assert after.loc[answered.index, "acquisition_rank"].isna().all()  # nobody is asked twice

    intent = record["answers"]["tasks"]["intent"]
    given = before.loc[answered.index, "intent_given"]
    assert intent["labels"] >= len(answered)  # an answer stands for near copies too
    assert intent["new"] >= given.isna().sum()
    assert intent["changed"] >= (given.notna() & given.ne(answered)).sum() > 0
    assert after.loc[changed["id"], "intent"] == "no_internet"
    assert record["inputs"][-1]["split"] == "answers"
    assert (workspace.data / "backups").is_dir()

    again = workspace(*NIGHT)  # the same answers, an empty difference: every stage comes from the cache
    assert again.returncode == 0, again.stderr
    assert all(stage["cached"] for stage in workspace.record()["stages"] if not stage["skipped"])
