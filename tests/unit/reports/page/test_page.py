"""What stands on the page and in `report.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.reports.fake_run import HOSTILE, LABELS, frame, make
from tests.unit.reports.page_parser import PageParser, parsed
from tilth import reports, store
from tilth.errors import RequestError
from tilth.reports.page.pictures import functions_figure
from tilth.reports.page.rows import seldom_right

Written = tuple[str, dict[str, Any], PageParser]


def _write(folder: Path) -> Written:
    page = reports.write(folder).read_text("utf-8")
    return page, json.loads((folder / "report.json").read_text("utf-8")), parsed(page)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return _write(make(tmp_path_factory.mktemp("runs") / "one"))


def _rows(parser: PageParser) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(parser.scripts[1])
    return rows


def test_the_page_stands_alone_and_is_well_formed(written: Written) -> None:
    page, _, parser = written
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert not {"img", "link", "iframe"} & set(parser.tags)
    assert parser.handlers == []
    assert all(address.startswith("#") for address in parser.addresses)
    assert "@import" not in page
    assert len(page.encode()) < 3_000_000


def test_the_sections_stand_in_their_order(written: Written) -> None:
    places = [written[0].index(f'id="{name}"') for name in (
        "verdict", "todo", "since", "ledger", "rows", "pictures", "engineers",
    )]  # fmt: skip
    assert places == sorted(places)


def test_only_the_pages_own_script_may_run(written: Written) -> None:
    page, _, parser = written
    assert len(parser.scripts) == 4  # three of data, and the page's own
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "unsafe-eval" not in page


def test_no_text_of_a_row_ends_a_script_or_becomes_markup(written: Written) -> None:
    page, _, parser = written
    assert HOSTILE not in page
    assert _rows(parser)[[row["i"] for row in _rows(parser)].index("row-0002")]["t"] == HOSTILE
    assert "<b></text>" not in page


def test_each_part_of_the_json_is_documented(written: Written) -> None:
    text = (Path(__file__).parents[4] / "docs" / "report.md").read_text("utf-8")
    assert [name for name in written[1] if f"`{name}`" not in text] == []
    assert [name for name in written[1]["verdict"] if f"`{name}`" not in text] == []


def test_what_was_read_otherwise_is_told_with_its_first_place(written: Written) -> None:
    assert "2 lines of train.csv could not be read (first: train.csv, line 7)" in written[0]
    assert written[1]["engineers"]["notes"][0]["count"] == 2


def test_a_record_of_counts_alone_is_still_shown(tmp_path: Path) -> None:
    assert "unreadable lines: 3" in _write(make(tmp_path / "old", ingest={"notes": {"unreadable_lines": 3}}))[0]


def test_a_huge_text_is_cut_and_the_page_says_by_how_much(written: Written) -> None:
    row = next(row for row in _rows(written[2]) if row["i"] == "row-0001")
    assert len(row["t"]) == 2_000
    assert row["x"] == 24 * 400 - 2_000  # of "why is my card declined " four hundred times


def test_rows_are_counted_by_what_became_of_them(written: Written) -> None:
    assert written[1]["version"] == 2
    assert written[1]["rows"] == {
        "input": 240, "gold": 24, "active": 230, "review": 4, "quarantined": 6, "paraphrases": 1, "queued": 9,
    }  # fmt: skip
    assert written[1]["engineers"]["table"] == "5-training.parquet"


def test_touched_rows_are_counted_by_verdict_and_gold_rows_are_never_among_them(written: Written) -> None:
    _, report, parser = written
    table = frame()
    gold = set(table["id"][table["split"] == "gold"])
    quarantined = [k for k in range(6) if f"row-{k:04d}" not in gold]
    verdicts = report["touched"]["verdicts"]
    assert gold
    assert verdicts["set_aside"] == len(quarantined) == 5
    assert verdicts["corrected"] == 2
    assert verdicts["weak"] == 50
    assert verdicts["queue"] == 9
    assert (verdicts["paraphrase_used"], verdicts["paraphrase_left"]) == (1, 1)
    assert not gold & {row["i"] for row in _rows(parser)}
    assert len(_rows(parser)) == report["touched"]["rows"]


def test_the_gravest_rows_stand_first_and_the_queue_in_order(written: Written) -> None:
    rows = _rows(written[2])
    assert {rows[0]["i"], rows[1]["i"]} == {"row-0012", "row-0014"}  # the two corrected labels
    ranks = [row["rank"] for row in rows if "rank" in row]
    assert ranks == sorted(ranks)
    facts = next(row for row in rows if row["i"] == "row-0012")["k"][0]
    assert (LABELS[facts["g"]], LABELS[facts["n"]]) == (LABELS[12], LABELS[3])
    assert facts["o"] == "corrected"


def test_the_first_rows_tell_what_explain_tells(written: Written) -> None:
    more = _rows(written[2])[0]["e"]
    assert more["from"].startswith("data/raw/train.csv, row ")
    assert any("an answer of a person" in line for line in more["k"][0]["change"])
    assert len(more["nights"]) == 1


def test_a_paraphrase_names_its_parent_and_a_copy_what_it_repeats(written: Written) -> None:
    by_id = {row["i"]: row for row in _rows(written[2])}
    assert by_id["row-0020~1"]["u"] == "row-0020"
    assert by_id["row-0021~1"]["r"] == "grammar"
    assert by_id["row-0006"]["c"] == "row-0010"


def test_the_recorded_score_is_shown_where_no_answer_is_kept(written: Written) -> None:
    score = written[1]["verdict"]["score"]
    assert (score["kind"], score["rows"], score["value"], score["low"]) == ("gold", 24, 0.8123, None)
    assert "Measured on 24 gold rows" in written[0]
    assert "customers\N{RIGHT SINGLE QUOTATION MARK} texts" in written[0]


def test_every_stage_has_its_row_and_skipped_ones_say_why(written: Written) -> None:
    page, report, _ = written
    stages = report["engineers"]["stages"]
    names = ["cleaning", "weak_supervision", "augmentation", "active_learning", "training"]
    assert [stage["name"] for stage in stages] == names
    assert "skipped: no labels" in page
    assert "Why it was skipped" in page  # its pictures are shown too
    assert "<td>from the cache</td>" in page
    assert "near duplicate <b>4</b>" in page
    assert stages[4]["metrics"]["temperature"] is None


def test_class_balance_shows_twelve_classes_and_says_so(written: Written) -> None:
    part = written[1]["balance"][0]
    assert part["classes"] == 45
    assert len(part["figure"]["data"]["labels"]) == 12
    assert "The 12 that changed most of 45 classes are shown." in part["figure"]["note"]


def test_to_do_has_a_count_a_link_and_a_command(written: Written) -> None:
    lines = written[1]["to_do"]
    assert 0 < len(lines) <= 5
    assert all(
        line["count"] > 0 and line["link"].startswith("#") and line["command"].startswith("tilth ") for line in lines
    )
    queue = next(line for line in lines if "verdict=queue" in line["link"])
    assert (queue["count"], queue["command"]) == (9, "tilth label")
    unread = next(line for line in lines if "could not be read" in line["what"])
    assert (unread["count"], unread["command"]) == (2, "tilth run --dry-run")


def test_a_command_names_the_night_that_the_page_is_of(tmp_path: Path) -> None:
    _, report, _ = _write(make(tmp_path / "20260101-020000", frame()))
    (explain,) = [line["command"] for line in report["to_do"] if "verdict=review" in line["link"]]
    assert explain == "tilth explain row-0007 --run 20260101-020000"


def _function(name: str, coverage: float, accuracy: float | None, rows: int, used: bool = True) -> dict[str, Any]:
    return {"function": name, "coverage": coverage, "accuracy": accuracy, "rows": rows, "used": used}


def test_a_function_is_called_seldom_right_where_its_rows_tell() -> None:
    """Of 6 rows at most 2 are right by chance 7 times in 100 (0.3^6 + 6 * 0.7 * 0.3^5 + 15 * 0.7^2 * 0.3^4)."""
    few, many = _function("few", 0.01, 2 / 6, 6), _function("many", 0.02, 0.5, 40)
    assert [seldom_right(one) for one in (few, many, _function("none", 0.5, None, 0))] == [False, True, False]
    figure = functions_figure([few, _function("good", 0.3, 0.9, 100), many])
    assert figure is not None
    assert figure["data"]["labels"] == ["many", "good", "few"]
    assert "Those that are right too seldom stand first (1)." in figure["note"]


def test_without_gold_the_score_is_called_an_estimate(tmp_path: Path) -> None:
    scores = {"intent": {"macro_f1": 0.7, "accuracy": 0.8}}
    rows = frame()[lambda table: table["split"] != "gold"]
    told = {"gold": None, "cross_validated": scores, "promoted": False, "promotion": "too low"}
    page, report, _ = _write(make(tmp_path / "without", rows, **told))
    with_gold = _write(make(tmp_path / "with", **told))[1]
    assert not any("gold_fraction" in line["command"] for line in with_gold["to_do"])
    assert "Score (an estimate)" in page
    assert "not promoted" in page
    assert report["verdict"]["score"]["kind"] == "held_out"
    assert any("gold_fraction" in line["command"] for line in report["to_do"])


def test_a_bare_record_and_an_empty_table_are_still_reported(tmp_path: Path) -> None:
    keep = ["id", "text", "split", "source", "parent_id", "status", "reason", "intent_given"]
    folder = make(tmp_path, frame().loc[:-1, keep], stages=[{"name": "cleaning"}], gold=None, promoted=None)
    record = store.read_json(folder / "run.json")
    for name in ("ingest", "gold", "promoted", "promotion", "seconds", "inputs", "started", "tilth"):
        record.pop(name)
    store.write_json(folder / "run.json", {**record, "status": "failed", "error": "stage <x> failed"})
    page, report, _ = _write(folder)
    assert report["verdict"]["word"] == "failed"
    assert "stage &lt;x&gt; failed" in page
    assert report["touched"]["rows"] == 0
    assert report["map"]["why"].startswith("A map needs 20 texts")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no run\.json"):
        reports.write(tmp_path)


def test_a_missing_or_damaged_file_makes_a_page_that_says_so(tmp_path: Path) -> None:
    no_record = make(tmp_path / "a")
    (no_record / "run.json").unlink()
    page, report, _ = _write(no_record)
    assert "run.json is missing" in page
    assert report["verdict"]["word"] == "unknown"
    assert report["balance"][0]["task"] == "intent"  # by the table's columns
    bad_record = make(tmp_path / "b")
    (bad_record / "run.json").write_text('{"status": ', "utf-8")
    assert "run.json is damaged" in _write(bad_record)[0]
    no_table = make(tmp_path / "c")
    for path in no_table.glob("*.parquet"):
        path.unlink()
    assert "There is no table of rows" in _write(no_table)[0]
    bad_table = make(tmp_path / "d")
    (bad_table / "5-training.parquet").write_bytes(b"PAR1 no")
    page, report, _ = _write(bad_table)
    assert "5-training.parquet is damaged" in page
    assert report["engineers"]["table"] == "0-input.parquet"


def test_what_people_found_stands_beside_the_estimate(tmp_path: Path) -> None:
    suspects = {"checked": 3, "right": 2, "share": 0.6667, "low": 0.2077, "high": 0.9385}
    stage = {"name": "cleaning", "metrics": {"tasks": {"intent": {
        "issues": 9, "judged": 160, "filter": "f", "planted": 48, "measured": {"f": {"precision": 0.75}},
    }}}}  # fmt: skip
    page, report, _ = _write(make(tmp_path, stages=[stage], answers={"detectors": {"intent": {"suspects": suspects}}}))
    found = report["cleaning_estimates"][0]
    assert (found["precision"], found["answered"], found["answered_wrong"]) == (0.75, 3, 2)
    assert "An estimate from 48 errors planted into your own labels" in page
    assert "of 3 that they answered, 2 were really wrong (21 to 94 in 100, with 95% certainty)" in page


def test_a_queued_row_says_why_it_is_asked(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "queue.csv").write_text('rank,id,text,reason\n1,row-0235,x,"the models differ, widely"\n', "utf-8")
    rows = {row["i"]: row for row in _rows(_write(folder)[2])}
    assert rows["row-0235"]["ask"] == "the models differ, widely"


def test_a_run_of_another_tilth_says_so_and_a_skipped_stage_is_named(tmp_path: Path, written: Written) -> None:
    folder = make(tmp_path, tilth="0.0.9")
    record = store.read_json(folder / "run.json")
    kept = {name: record[name] for name in ("run_id", "status", "tasks", "tilth", "stages")}
    store.write_json(folder / "run.json", {**kept, "ingest": {"notes": {"unreadable_lines": 3}}})
    page = _write(folder)[0]
    assert "tilth 0.0.9 ran this night" in page
    assert "Not done: weak supervision (no labels)." in page
    assert "ran this night" not in written[0]


def test_votes_of_other_rows_are_not_shown(tmp_path: Path) -> None:
    import pandas as pd

    folder = make(tmp_path)
    votes = pd.DataFrame({"id": frame()["id"].head(200), "intent.a.b": 0}).astype({"intent.a.b": "int16"})
    votes.to_parquet(folder / "votes.parquet", index=False)
    _, _, parser = _write(folder)
    assert json.loads(parser.scripts[0])["functions"] == [[0, "a.b"]]
    assert next(row for row in _rows(parser) if row["i"] == "row-0012")["f"] == [[0, 0]]
    votes.iloc[::-1].to_parquet(folder / "votes.parquet", index=False)
    page, _, parser = _write(folder)
    assert "votes.parquet is of other rows than the table" in page
    assert all("f" not in row for row in _rows(parser))
