"""What is different between two nights: what was planted is named, and nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.browser import Watched, needs_browser
from tests.unit.reports.nights import LABELS, codes, rows, votes, write
from tilth import cli, reports
from tilth.errors import RequestError
from tilth.reports.diff.significance import count_change, discordant, holm, shares_differ
from tilth.reports.history import write_index
from tilth.store import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = '<script>alert("x")</script>'


def _functions(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """One that votes for what is given on the even rows, and one that knows a single class."""
    given, place = codes(frame), np.arange(len(frame))
    return {
        "even": np.where(place % 2 == 0, given, -1),
        "cards": np.where(given == LABELS.index("card"), given, -1),
    }


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two nights: 50 rows relabeled, 30 removed, 200 added, a function turned bad, one new, one gone, a class worse."""
    folder = tmp_path_factory.mktemp("runs")
    before = rows()
    one = write(folder / "night-01", before, votes(before, **_functions(before), gone=codes(before)))
    after = before.drop(index=range(970, 1000))
    relabeled = after.index[(after["intent_given"] == "refund") & (after["split"] == "train")][:50]
    after.loc[relabeled, "intent_given"] = "fee"
    added = rows(200, first=5000, gold=0, label="limit")
    after = pd.concat([after, added], ignore_index=True)
    worse = after.index[(after["split"] == "gold") & (after["intent_given"] == "transfer")]
    after.loc[worse, "intent_predicted"] = "card"
    after.loc[0, ["status", "reason"]] = ["quarantined", "junk"]
    after.loc[1, "text"] = HOSTILE
    cast = {**_functions(after), "fresh": codes(after)}
    cast["even"] = np.where(cast["even"] >= 0, (cast["even"] + (np.arange(len(after)) % 4 == 0)) % 5, -1)
    config = {"seed": 0, "cleaning": {"policy": "review"}}
    stages = [{"name": "weak_supervision", "metrics": {"left_out": {"intent.broken": "raised on every row"}}}]
    other = write(folder / "night-02", after, votes(after, **cast), config=config, stages=stages)
    return one, other


@pytest.fixture(scope="module")
def changes(changed: tuple[Path, Path]) -> dict[str, Any]:
    return reports.compare_nights(*changed)


def test_rows_in_and_out_are_counted(changes: dict[str, Any]) -> None:
    found = changes["rows"]
    assert (found["before"], found["after"]) == (1200, 1370)
    assert (found["added"]["count"], found["removed"]["count"], found["retexted"]["count"]) == (200, 30, 1)
    assert found["added"]["splits"] == {"train": 200, "gold": 0, "unlabeled": 0}
    assert found["removed"]["shown"][0] == {"id": "t970", "text": "text of t970", "split": "train"}
    assert found["retexted"]["shown"] == [{"id": "t1", "before": "text of t1", "after": HOSTILE}]
    assert len(found["added"]["shown"]) == 20


def test_labels_that_changed_say_from_what_to_what_and_why(changes: dict[str, Any]) -> None:
    found = changes["labels"]["intent"]
    assert found["count"] == 50
    assert found["pairs"] == [{"from": "refund", "to": "fee", "rows": 50}]
    assert found["why"] == {"the input has another label": 50}
    assert changes["status"]["changes"] == [{"from": "active", "to": "quarantined", "reason": "junk", "rows": 1}]


def test_functions_that_turned_bad_came_went_and_failed(changes: dict[str, Any]) -> None:
    found = {entry["name"]: entry for entry in changes["functions"]}
    assert found["intent.even"]["verdicts"] == ["accuracy fell"]
    # 585 even rows of 1,170 train rows, of which every second votes for the next label.
    assert found["intent.even"]["before"]["accuracy"] == 1.0
    assert found["intent.even"]["after"]["accuracy"] == pytest.approx(0.5, abs=0.005)
    assert found["intent.fresh"]["verdicts"] == ["new"]
    assert found["intent.gone"]["verdicts"] == ["gone"]
    assert found["intent.broken"]["verdicts"] == ["failed"]
    assert found["intent.broken"]["left_out"] == "raised on every row"
    assert not any("accuracy" in word for word in found["intent.cards"]["verdicts"])
    assert found["intent.cards"]["votes_changed"] == 0


def test_classes_that_grew_shrank_or_got_worse(changes: dict[str, Any]) -> None:
    found = {(entry["label"], entry["what"]): entry for entry in changes["classes"]["intent"]["changed"]}
    # 200 of each class; 6 of each are removed, 50 refunds become fees, and 200 limits come.
    assert (found["limit", "rows"]["before"], found["limit", "rows"]["after"]) == (200, 394)
    assert (found["refund", "rows"]["after"], found["refund", "rows"]["verdict"]) == (144, "fell")
    # Fees lost 6 and gained 50, as chance would have it: a fifth of the 200 new rows would have been 40.
    assert ("fee", "rows") not in found
    assert found["transfer", "F1"]["verdict"] == "fell"
    assert found["transfer", "F1"]["after"] == 0.0
    assert ("card", "rows") in found  # 40 of the 200 new rows would have been cards by chance, and none is
    assert all(entry["p"] < 0.01 for entry in found.values())


def test_the_scores_are_compared_on_the_same_rows(changes: dict[str, Any]) -> None:
    one = changes["scores"]["intent"]["difference"]
    assert (one["kind"], one["rows"], one["verdict"]) == ("gold", 200, "worse")
    assert one["interval"][1] < 0
    assert one["value"] == pytest.approx(one["after"] - one["before"], abs=1e-4)
    low, high = changes["scores"]["intent"]["before"]["interval"]
    assert low < changes["scores"]["intent"]["before"]["macro_f1"] < high


def test_config_keys_that_changed(changes: dict[str, Any]) -> None:
    assert changes["config"] == [{"key": "cleaning.policy", "before": "auto", "after": "review"}]


def test_all_of_it_is_told_in_lines_and_on_a_page(changed: tuple[Path, Path], changes: dict[str, Any]) -> None:
    told = "\n".join(reports.diff_lines(changes, [{"sentence": "rows added: 200"}]))
    for words in (
        "alarm: rows added: 200",
        "200 added",
        "30 removed",
        "1 with another text (first: t1)",
        "refund → fee: 50",
        "active → quarantined (junk): 1",
        "function intent.even: accuracy fell",
        "left out: raised on every row",
        "class limit rose: 200 → 394 rows",
        "class transfer: F1 fell",
        "config: cleaning.policy: auto → review",
    ):
        assert words in told
    page = reports.diff_page(changes)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    tags = _Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "img", "link", "iframe"}
    assert not re.search(r"https?://|url\(|@import", page)


def test_the_morning_page_names_what_was_planted(changed: tuple[Path, Path]) -> None:
    folder = reports.write(changed[1]).parent
    since = json.loads((folder / "report.json").read_text("utf-8"))["since"]
    parts = {part["title"]: part for part in since["parts"]}
    assert parts["Rows in and out"]["lines"][:2] == ["200 came in", "30 are gone from the input"]
    assert parts["Labels changed"]["lines"] == [
        "intent: 50 as the input has another label",
        "intent: 50 from refund to fee",
    ]
    assert "even: accuracy fell (accuracy 100% → 50%)" in parts["Rules that rose or fell"]["lines"]
    classes = parts["Classes that rose or fell"]
    assert "limit: rows rose, 200 → 394" in classes["lines"]
    # Every gold row of it was answered rightly, and all are called cards now.
    assert any(line.startswith("transfer: ") and "score fell, 1.00 → 0.00" in line for line in classes["lines"])
    assert classes["count"] == len({line.partition(":")[0] for line in classes["lines"]}) + classes["more"]


@needs_browser
@pytest.mark.parametrize("width", [375, 1600])
def test_the_page_fits_and_has_no_fault(
    changed: tuple[Path, Path], changes: dict[str, Any], tmp_path: Path, browser: Browser, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    file = tmp_path / "changes.html"
    file.write_text(reports.diff_page(changes, [{"sentence": "rows added: 200"}]), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    watched = Watched(page)
    for path in (file, write_index(changed[0].parent)):
        page.goto(path.as_uri())
        assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert watched.messages == []
    page.close()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_a_night_with_no_change_says_so_and_raises_no_alarm(tmp_path: Path) -> None:
    frame = rows(gold=50)
    for day in range(1, 9):
        write(
            tmp_path / f"night-0{day}",
            frame,
            votes(frame, **_functions(frame)),
            seconds=5000.0 if day == 8 else 100.0,  # the machine was busy
            stages=[{"name": "cleaning", "seconds": 100.0, "processor_seconds": 80.0 + 7 * (day % 3)}],
        )
    found = reports.since_last_night(tmp_path / "night-08")
    assert (found["first_night"], found["against"], found["alarms"]) == (False, "night-07", [])
    assert reports.diff_lines(found["changes"])[-1] == "nothing changed"
    assert found["changes"]["scores"]["intent"]["difference"]["verdict"] == "same"


def test_a_night_that_computes_much_longer_is_an_alarm(tmp_path: Path) -> None:
    """100 seconds, then 310: 210 more, above the floor, which is the usual 100, doubled for few nights."""
    frame = rows(gold=0)
    for day, first in ((1, 50.0), (2, 50.0), (3, 50.0), (4, 260.0)):
        stages = [
            {"name": name, "processor_seconds": spent} for name, spent in (("cleaning", first), ("training", 50.0))
        ]
        write(tmp_path / f"night-0{day}", frame, stages=stages)
    (alarm,) = reports.since_last_night(tmp_path / "night-04")["alarms"]
    assert (alarm["measure"], alarm["before"], alarm["value"]) == ("processor_seconds", 100.0, 310.0)


def test_a_night_with_no_change_raises_none_after_one_that_changed_much(tmp_path: Path) -> None:
    small, large = rows(200, gold=0), rows(1000, gold=0)
    for day in range(1, 7):
        write(tmp_path / f"night-0{day}", small)
    for day in (7, 8):
        write(tmp_path / f"night-0{day}", large)
    assert {alarm["measure"] for alarm in reports.since_last_night(tmp_path / "night-07")["alarms"]} >= {"rows.added"}
    assert reports.since_last_night(tmp_path / "night-08")["alarms"] == []


def test_what_is_usual_here_is_no_alarm_and_what_is_not_is_one(tmp_path: Path) -> None:
    for day in range(1, 9):  # about thirty rows more every night
        write(tmp_path / f"night-0{day}", rows(500 + 30 * day + day % 3, gold=0))
    write(tmp_path / "night-09", rows(500 + 30 * 9, gold=0))
    assert reports.since_last_night(tmp_path / "night-09")["alarms"] == []
    write(tmp_path / "night-10", rows(500 + 30 * 9 + 200, gold=0))
    alarms = {alarm["measure"]: alarm for alarm in reports.since_last_night(tmp_path / "night-10")["alarms"]}
    assert alarms["rows.added"]["value"] == 200
    assert alarms["rows.added"]["sentence"].startswith("rows added: 200; by the last 8 nights, more than ")


def test_the_measures_of_a_record_are_taken_before_its_tables(tmp_path: Path) -> None:
    frame = rows(300, gold=0)
    for day in range(1, 8):
        write(tmp_path / f"night-0{day}", frame, measures={"macro_f1:intent": 0.8 + 0.001 * (day % 2), "rows": 300})
    last = write(tmp_path / "night-08", frame, measures={"macro_f1:intent": 0.7, "rows": 300})
    (only,) = reports.since_last_night(last)["alarms"]
    assert only["measure"] == "macro_f1:intent"
    assert only["change"] == pytest.approx(-0.101)
    assert only["usual"][1] is None  # a better score is no alarm


def test_a_function_that_fell_on_a_few_rows_raises_no_alarm(tmp_path: Path) -> None:
    frame = rows(400, gold=0)
    given, place = codes(frame), np.arange(400)
    for day, wrong in (("01", 0), ("02", 1), ("03", 12)):  # of 5 rows a function gets one wrong, of 40 another twelve
        few = np.where(place < 5, (given + (place < min(wrong, 1))) % 5, -1)
        many = np.where((place >= 10) & (place < 50), (given + (place - 10 < (wrong if wrong > 1 else 0))) % 5, -1)
        write(tmp_path / f"night-{day}", frame, votes(frame, few=few, many=many))
    measures = reports.night_measures(Run(tmp_path / "night-02"))
    assert measures["function.accuracy:intent.few"] == 0.8  # 1.0 the night before
    assert reports.night_alarms(Run(tmp_path / "night-02")) == []
    (only,) = reports.night_alarms(Run(tmp_path / "night-03"))
    assert only["measure"] == "function.accuracy:intent.many"


def test_a_first_night_says_so(tmp_path: Path) -> None:
    only = write(tmp_path / "night-01", rows(50))
    assert reports.since_last_night(only) == {"first_night": True, "against": None, "alarms": [], "changes": None}


def test_what_cannot_be_read_is_said_and_the_rest_compared(tmp_path: Path) -> None:
    one, other = write(tmp_path / "night-01", rows(50)), write(tmp_path / "night-02", rows(50), status="failed")
    (one / "5-training.parquet").write_bytes(b"half")
    found = reports.compare_nights(one, other)
    assert found["rows"] is None
    assert any("night-01: 5-training.parquet cannot be read" in note for note in found["notes"])
    assert "run night-02 is failed" in found["notes"]
    assert reports.diff_lines(found)
    assert "<main>" in reports.diff_page(found)
    (one / "run.json").unlink()
    with pytest.raises(RequestError, match=r"holds no run\.json"):
        reports.compare_nights(one, other)


def test_the_command_line(
    changed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tilth-runs").symlink_to(changed[0].parent)
    assert cli.main(["diff"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("night-01 → night-02\n")
    assert "alarm: labels of intent that changed: 50" in told
    assert cli.main(["diff", "night-02~1", "night-02", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["rows"]["added"]["shown"]) == 200
    assert cli.main(["diff", str(changed[0]), str(changed[1]), "--html", "changes.html"]) == 0
    assert (tmp_path / "changes.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert cli.main(["diff", "night-01~1"]) == 2
    assert "no completed run stands before" in capsys.readouterr().err


def test_exact_tests_by_hand() -> None:
    assert shares_differ(3, 3, 0, 3) == pytest.approx(2 / 20)  # of the 20 ways to deal 3 hits to 6, two are as extreme
    assert discordant(1, 5) == pytest.approx(2 * (1 + 6) / 64)
    assert holm([0.02, 0.02]).tolist() == [0.04, 0.04]
    # Two rows that change places: 1/4 both in, 1/2 one each way, 1/4 both out.
    p, usual = count_change(2, 0.0, added=0, removed=0, moved=2)
    assert p == pytest.approx(0.5)
    assert usual == (-2, 2)
    # One row came and one went, each of the class by half: by chance -1, 0, 0 or +1.
    assert count_change(1, 0.5, added=1, removed=1, moved=0)[0] == pytest.approx(0.5)


def test_rows_that_wait_for_a_person_are_measured(tmp_path: Path) -> None:
    frame = rows(100, gold=0)
    frame.loc[:4, ["status", "reason"]] = ["review", "outlier"]
    assert reports.night_measures(Run(write(tmp_path / "night-01", frame)))["review"] == 5
