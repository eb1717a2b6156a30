"""Real nights as far as weak supervision, on few rows: what was planted between two of them is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tilth import night, reports
from tilth.store import Run, Workspace

DEMO = Path(__file__).parents[3] / "data/raw/inbox.csv"
STAGES = ("cleaning", "weak_supervision")
FUNCTION = """from snorkel.labeling import labeling_function

TASK = "area"


@labeling_function()
def bills(x):
    words = ("bill", "paid", "charge", "invoice", "refund", "debit", "money", "bank", "pay")
    return {label} if any(word in x.text.lower() for word in words) else None


@labeling_function()
def wifi(x):
    return "broadband" if "wi" in x.text.lower() and "fi" in x.text.lower() else None


@labeling_function()
def phones(x):
    return "mobile" if "sim" in x.text.lower() or "phone" in x.text.lower() else None
"""


def _night(workspace: Workspace, rows: pd.DataFrame, function: str) -> Run:
    rows.to_csv(workspace.root / "in.csv", index=False)
    (workspace.labeling_functions / "words.py").write_text(function)
    overrides: dict[str, Any] = {
        "data.input": [str(workspace.root / "in.csv")],
        "tasks": [{"name": "area"}],
        "cleaning.planted": 50,
        "cleaning.rounds": 1,
    }
    run = night.begin(night.Request(workspace=workspace, overrides=overrides, stages=STAGES))
    for name in STAGES:
        night.perform(run, name)
    night.finish(run)
    return run


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two nights of the same rows, and one of others with another function."""
    root = tmp_path_factory.mktemp("workspace")
    (root / "labeling_functions").mkdir()
    workspace = Workspace(root=root, config=None, data=root / "data", runs=root / "data/runs")
    rows = pd.read_csv(DEMO).dropna(subset="area").drop_duplicates("text")
    first = rows.head(300)
    right = FUNCTION.format(label='"billing"')
    found = [_night(workspace, first, right), _night(workspace, first, right)]
    changed = pd.concat([first.iloc[15:], rows.iloc[300:340]])
    bills = changed.index[changed["area"] == "billing"][:20]
    changed.loc[bills, "area"] = "orders"
    found.append(_night(workspace, changed, FUNCTION.format(label='"orders"')))
    return found


def test_a_second_night_of_the_same_rows_is_the_first_one_again(nights: list[Run]) -> None:
    found = reports.since_last_night(nights[1].path)
    assert (found["against"], found["alarms"]) == (nights[0].path.name, [])
    assert reports.diff_lines(found["changes"])[-1] == "nothing changed"


def test_what_was_planted_is_named(nights: list[Run]) -> None:
    found = reports.since_last_night(nights[2].path)
    changes = found["changes"]
    assert changes["rows"]["added"]["count"] == 40
    assert changes["rows"]["removed"]["count"] == 15
    moved = changes["labels"]["area"]["why"]["the input has another label"]
    assert moved <= 20
    assert any(one["from"] == "billing" and one["rows"] >= 10 for one in changes["labels"]["area"]["pairs"])
    functions = {entry["name"]: entry for entry in changes["functions"]}
    assert "accuracy fell" in functions["area.bills"]["verdicts"]
    assert functions["area.bills"]["votes_changed"] > 20
    assert functions["area.wifi"]["votes_changed"] == 0
    measured = nights[2].record["measures"]
    assert measured["rows.added"] == 40
    assert {alarm["measure"] for alarm in found["alarms"]} >= {"rows.added", "rows.removed", "labels_changed:area"}
