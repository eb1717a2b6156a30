"""The picture of what each stage bought."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.reports.fake_run import make
from tilth import reports
from tilth.reports.page.files.run_files import read_run
from tilth.reports.page.scores.stage_ledger import ledger

CLEANING = {
    "verdict": "helps", "rows": 240, "with": 0.7, "without": 0.66, "difference": 0.04, "interval": [0.01, 0.08],
    "why_not": None, "measured": "2026-01-01T02:00:00+00:00",
}  # fmt: skip
COPIES = {**CLEANING, "verdict": "harms", "difference": -0.02, "interval": [-0.03, -0.01]}
PEOPLE = {
    "verdict": "not measured", "rows": 0, "with": None, "without": None, "difference": None, "interval": None,
    "why_not": "nobody answered",
}  # fmt: skip


def test_bars_grow_from_the_middle_by_the_difference(tmp_path: Path) -> None:
    gold = {"cleaning": CLEANING, "augmentation": COPIES, "active_learning": PEOPLE}
    folder = make(tmp_path, ledger={"gold": gold, "train": {}})
    found = ledger(read_run(folder))
    assert found is not None
    cleaning, copies, people = found["lines"]
    assert (found["basis"], found["points"], found["rows"]) == ("gold", 8.0, 240)
    assert (cleaning["left"], cleaning["width"]) == (50, pytest.approx(24))  # 0.04 of 0.08, whose bar is 48 long
    assert (copies["left"], copies["width"]) == (pytest.approx(38), pytest.approx(12))
    assert cleaning["high"] == pytest.approx(98)
    assert people["figure"] is None
    page = reports.write(folder).read_text("utf-8")
    assert "+4.0 points (+1.0 to +8.0)" in page
    assert "was not measured: nobody answered" in page
    assert "Measured on 240 gold rows" in page


def test_without_gold_it_is_an_estimate_and_a_stage_that_was_left_out_is_named(tmp_path: Path) -> None:
    stages = [{"name": "augmentation", "left_out": "it harms: -2.0 points"}]
    folder = make(tmp_path, ledger={"train": {"augmentation": COPIES}, "gold": None}, stages=stages)
    page = reports.write(folder).read_text("utf-8")
    assert "An estimate, by cross-validation on 240 of your own labeled rows" in page
    assert "Reworded copies: left out tonight, it harms: -2.0 points" in page


def test_a_night_without_a_ledger_says_so(tmp_path: Path) -> None:
    assert "did not measure what each stage bought" in reports.write(make(tmp_path)).read_text("utf-8")
