"""What the page says of a night against the one before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.unit.reports.fake_run import LABELS, frame, make
from tilth import reports

FIRST, SECOND = "20260101-020000", "20260102-020000"


def _night(rows: pd.DataFrame, wrong: int) -> pd.DataFrame:
    """The rows with a model's answers, of which the first so many to gold rows are wrong."""
    rows = rows.copy()
    rows["intent_predicted"] = rows["intent_given"]
    gold = rows.index[rows["split"] == "gold"]
    rows.loc[gold[:wrong], "intent_predicted"] = LABELS[1]
    return rows


def _pages(folder: Path, first: pd.DataFrame, second: pd.DataFrame) -> tuple[str, dict[str, Any]]:
    make(folder / FIRST, first, run_id=FIRST, started="2026-01-01T02:00:00+00:00")
    run = make(folder / SECOND, second, run_id=SECOND, started="2026-01-02T02:00:00+00:00")
    page = reports.write(run).read_text("utf-8")
    return page, json.loads((run / "report.json").read_text("utf-8"))


@pytest.mark.parametrize(("before", "after", "word"), [(16, 2, "better"), (2, 16, "worse"), (4, 4, "same")])
def test_the_verdict_goes_by_the_same_gold_rows(tmp_path: Path, before: int, after: int, word: str) -> None:
    page, report = _pages(tmp_path, _night(frame(), before), _night(frame(), after))
    verdict = report["verdict"]
    assert verdict["word"] == word
    assert verdict["against"]["run_id"] == FIRST
    assert verdict["against"]["rows"] == 24
    assert verdict["score"]["low"] <= verdict["score"]["value"] <= verdict["score"]["high"]
    assert f"than that of night {FIRST}" in page
    assert (verdict["against"]["difference"] == 0) == (word == "same")


def test_a_first_night_is_called_one(tmp_path: Path) -> None:
    run = make(tmp_path / FIRST, _night(frame(), 3), run_id=FIRST)
    page = reports.write(run).read_text("utf-8")
    assert "A first night" in page
    assert "There is no earlier night here to compare this one with." in page
    assert "needs two whole nights" in page


def test_rows_and_labels_that_changed_are_counted(tmp_path: Path) -> None:
    first = _night(frame(), 3)
    second = first[first["source"].eq("input")].iloc[:-5].copy()  # five rows are gone
    train = second.index[second["split"].eq("train") & second["intent_given"].eq(LABELS[17])]
    second.loc[train, ["intent_given", "intent"]] = LABELS[18]
    second = second.drop(columns=["used", "accepted", "similarity", "novelty", "label_agreement"])
    page, report = _pages(tmp_path, first, second)
    parts = {part["title"]: part for part in report["since"]["parts"]}
    assert "5 are gone from the input" in parts["Rows in and out"]["lines"]
    assert parts["Labels changed"]["lines"] == [
        f"intent: {len(train)} as the input has another label",
        f"intent: {len(train)} from {LABELS[17]} to {LABELS[18]}",
    ]
    assert report["since"]["command"] == f"tilth diff {FIRST} {SECOND}"
    assert len(report["nights"]) == 2
    assert "Score of each night" in page


def test_a_night_that_changed_nothing_raises_no_alarm(tmp_path: Path) -> None:
    page, report = _pages(tmp_path, _night(frame(), 3), _night(frame(), 3))
    assert report["since"]["alarms"] == []
    assert [part["count"] for part in report["since"]["parts"]] == [0, 0, 0, 0]
    assert "Nothing is out of the ordinary" in page


def test_a_part_of_a_night_is_called_one_once(tmp_path: Path) -> None:
    """The stages that were not asked for are not said to be missing, and that its model is not used is said once."""
    asked = ["cleaning", "training"]
    stages = [
        {"name": "cleaning", "skipped": None, "metrics": {}, "figures": []},
        {"name": "augmentation", "skipped": "not asked for", "metrics": {}, "figures": []},
    ]
    why = "only some stages ran (cleaning, training); such a night is never promoted"
    record = {"asked": asked, "stages": stages, "promoted": False, "promotion": why}
    verdict_of = json.loads(_written(make(tmp_path / FIRST, _night(frame(), 3), run_id=FIRST, **record)))["verdict"]
    assert verdict_of["sentences"] == ["Only some stages ran: cleaning, training."]
    assert verdict_of["decision"].endswith("a part of a night never replaces the model of a whole one.")


def _written(run: Path) -> str:
    reports.write(run)
    return (run / "report.json").read_text("utf-8")


def test_what_people_answered_and_how_often_suspects_were_wrong_is_told(tmp_path: Path) -> None:
    sentence = "intent: people checked 38 suspects: 21 were wrong (55%, 95% interval 40% to 70%)"
    notes = [{"kind": "detectors_checked", "count": 40, "message": sentence, "first": "labels.sqlite"}]
    last = {"run": FIRST, "rows": 24, "tasks": {"intent": {"before": 0.81, "now": 0.84}}}
    make(tmp_path / FIRST, _night(frame(), 3), run_id=FIRST, started="2026-01-01T02:00:00+00:00")
    run = make(
        tmp_path / SECOND,
        _night(frame(), 3),
        run_id=SECOND,
        started="2026-01-02T02:00:00+00:00",
        answers={"applied": 40, "gold": {"corrected": [], "last_model": last}},
        ingest={"notes": notes},
    )
    page = reports.write(run).read_text("utf-8")
    assert sentence in page
    assert "the last model&#39;s score on gold is 0.84 by its labels as corrected, 0.81 before" in page
    parts = json.loads((run / "report.json").read_text("utf-8"))["since"]["parts"]
    assert (parts[0]["title"], parts[0]["count"]) == ("answers of people in force", 40)
