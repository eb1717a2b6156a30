"""What a night leaves out for its deadline, by seconds that are counted by hand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tilth import stage, store
from tilth.config import ScheduleConfig
from tilth.night.opening.deadline import deadline_sentence, forecast, meet, next_deadline
from tilth.night.opening.request import Request
from tilth.store import Run, write_json

BERLIN = ZoneInfo("Europe/Berlin")
SECONDS = {"cleaning": 600, "weak_supervision": 60, "augmentation": 1200, "active_learning": 60, "training": 600}
"""With 80 s for opening and closing: 2,600 in all."""


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)


@pytest.fixture
def workspace(tmp_path: Path) -> store.Workspace:
    (tmp_path / "tilth.toml").write_text('[schedule]\ndeadline = "06:00"\ntimezone = "Europe/Berlin"\n')
    return store.locate(tmp_path / "tilth.toml")


def keep(workspace: store.Workspace, name: str, rows: int = 1000, **fields: Any) -> Run:
    stages = [
        {"name": one, "seconds": seconds, "cached": False, "skipped": None, "rows_in": rows}
        for one, seconds in SECONDS.items()
    ]
    record = {"run_id": name, "status": "completed", "seconds": 2600.0, "stages": stages, "promoted": True}
    write_json(workspace.runs / name / "run.json", {**record, **fields})
    return Run(workspace.runs / name)


def request(workspace: store.Workspace, **overrides: Any) -> Request:
    return Request(workspace=workspace, overrides=overrides)


def test_seconds_are_the_median_of_computed_stages_in_proportion_to_the_rows(workspace: store.Workspace) -> None:
    keep(workspace, "a")
    cached = [{"name": "cleaning", "seconds": 1, "cached": True, "skipped": None, "rows_in": 1000}]
    keep(workspace, "b", stages=cached, seconds=21.0)
    keep(workspace, "c", status="failed")
    found = forecast(request(workspace), 500)
    assert found == {**{name: seconds / 2 for name, seconds in SECONDS.items()}, "rest": 50.0}  # of 80 and 20


def test_in_time_nothing_is_left_out(workspace: store.Workspace) -> None:
    keep(workspace, "a")
    asked, deadline = meet(request(workspace), 1000, at(2))
    assert deadline is not None
    assert (deadline.at, deadline.left_out) == (at(6), ())
    assert deadline.expected == at(2, 43).replace(second=20)
    assert (asked.settings.stage_when("augmentation"), deadline_sentence(deadline.to_json())) == ("auto", "")


def test_what_bought_least_for_its_time_goes_first(workspace: store.Workspace) -> None:
    ledger = {"train": {"cleaning": {"difference": 0.06}, "augmentation": {"difference": 0.01}}}
    keep(workspace, "a", ledger=ledger).promote()
    # 1,600 s are left of 2,600: weak supervision bought nothing (60 s), augmentation 0.01 in 1,200 s, cleaning more.
    asked, deadline = meet(request(workspace), 1000, at(5, 33))
    assert deadline is not None
    assert deadline.left_out == ("weak_supervision", "augmentation")
    assert [asked.settings.stage_when(name) for name in stage.NAMES] == ["auto", "never", "never", "auto", "auto"]
    assert deadline_sentence(deadline.to_json()) == (
        "for the deadline at 06:00 the night leaves out weak_supervision, augmentation, and is expected to end at "
        "05:55 (by the last nights' seconds)"
    )


def test_what_is_asked_for_always_stays_and_lateness_is_said(workspace: store.Workspace) -> None:
    keep(workspace, "a")
    always = {"cleaning.when": "always", "augmentation.when": "always"}
    _, deadline = meet(request(workspace, **always), 1000, at(5, 50))
    assert deadline is not None
    assert deadline.left_out == ("weak_supervision",)
    assert "expected to end at 06:32, too late all the same" in deadline_sentence(deadline.to_json())


def test_a_first_night_promises_nothing(workspace: store.Workspace) -> None:
    asked, deadline = meet(request(workspace), 1000, at(5, 59))
    assert deadline is not None
    assert (deadline.expected, deadline.left_out) == (None, ())
    assert asked.overrides == {}
    assert meet(request(workspace, **{"schedule.deadline": None}), 1000, at(5))[1] is None


def test_the_deadline_is_by_the_clock_on_the_wall() -> None:
    schedule = ScheduleConfig(deadline="06:00", timezone="Europe/Berlin")
    # In the night to 29 March 2026 clocks go forward: seven hours after 22:00 it is 6:00.
    started = datetime(2026, 3, 28, 22, 0, tzinfo=BERLIN)
    due = next_deadline(schedule, started)
    assert (due.timestamp() - started.timestamp()) / 3600 == 7
    assert next_deadline(schedule, due) == datetime(2026, 3, 30, 6, 0, tzinfo=BERLIN)
