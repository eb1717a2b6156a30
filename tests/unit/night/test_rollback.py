"""A night that is the latest again, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.night.closing.test_promotion import Nights, nights, truth, wrong_on
from tilth import cli, store
from tilth.errors import RequestError
from tilth.night import roll_back

__all__ = ["nights"]


@pytest.fixture
def three(nights: Nights) -> Nights:
    """Three promoted nights, each a little better than the one before."""
    for count in (20, 18, 16):
        nights.gold(wrong_on(range(count)))
    assert nights.latest == "night-003"
    return nights


def workspace(made: Nights) -> store.Workspace:
    (made.root / "tilth.toml").touch()
    return store.locate(made.root / "tilth.toml")


def promoted(made: Nights) -> list[bool]:
    return [bool(run.record["promoted"]) for run in store.all_runs(made.root / "data/runs")]


def test_the_night_before_is_the_latest_again_and_the_later_one_counts_no_more(three: Nights) -> None:
    done = roll_back(workspace(three))
    assert (three.latest, done.before.path.name, done.marked) == ("night-002", "night-003", ("night-003",))
    assert promoted(three) == [True, True, False]
    record = three.gold(wrong_on(range(17)))
    assert record["comparison"]["asked"][0]["run"] == "night-002"
    assert {item["run"] for item in record["comparison"]["asked"]} == {"night-001", "night-002"}


def test_back_twice_and_forth_by_name(three: Nights) -> None:
    roll_back(workspace(three))
    assert roll_back(workspace(three)).latest.path.name == "night-001"
    assert promoted(three) == [True, False, False]
    done = roll_back(workspace(three), "night-003")
    assert (three.latest, done.marked) == ("night-003", ())
    assert promoted(three) == [True, True, True]


def test_a_dry_run_changes_nothing(three: Nights) -> None:
    done = roll_back(workspace(three), dry_run=True)
    assert (done.latest.path.name, three.latest, promoted(three)) == ("night-002", "night-003", [True, True, True])


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("night-003", {}, "is the latest already"),
        ("night-002", {"status": "failed"}, "is failed, not completed"),
        ("night-002", {"asked": ["cleaning"]}, "only some stages"),
        ("night-002", {"promoted": False, "promotion": "clearly worse"}, "never promoted.*clearly worse"),
        ("nihgt-002", {}, "did you mean"),
    ],
)
def test_what_cannot_be_the_latest_is_refused(three: Nights, name: str, change: dict[str, Any], words: str) -> None:
    store.find(three.root / "data/runs", "night-002").update(**change)
    with pytest.raises(RequestError, match=words):
        roll_back(workspace(three), name)
    assert three.latest == "night-003"


def test_a_night_without_its_tables_is_passed_over(three: Nights) -> None:
    for table in (three.root / "data/runs/night-002").glob("*.parquet"):
        table.unlink()
    assert roll_back(workspace(three)).latest.path.name == "night-001"


def test_a_first_night_has_nothing_before_it(nights: Nights) -> None:
    with pytest.raises(RequestError, match="is promoted, so that there is nothing to go back from"):
        roll_back(workspace(nights))
    nights.gold(truth())
    with pytest.raises(RequestError, match="only promoted night"):
        roll_back(workspace(nights))


def test_the_command_says_what_changed(
    three: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace(three)
    monkeypatch.chdir(three.root)
    assert cli.main(["rollback", "--dry-run"]) == 0
    assert "run night-002 would be the latest, in place of night-003" in capsys.readouterr().out
    assert cli.main(["rollback"]) == 0
    printed = capsys.readouterr().out
    assert "run night-002 is the latest, in place of night-003" in printed
    assert "to take it back: tilth rollback night-003" in printed
    assert cli.main(["runs"]) == 0
    assert "rolled back" in capsys.readouterr().out
