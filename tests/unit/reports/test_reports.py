from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.reports.fake_run import HOSTILE, LABELS, frame, make
from tilth import reports
from tilth.errors import RequestError
from tilth.reports import svg
from tilth.reports.charts import draw
from tilth.reports.example_rows import shorten

_VOID = {"meta", "br", "img", "link", "input"}


class _Checker(HTMLParser):
    """Collects tags and addresses, and fails where tags do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in {"src", "href"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def _parsed(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict]:
    path = reports.write(make(tmp_path_factory.mktemp("runs") / "one"))
    return path.read_text("utf-8"), json.loads((path.parent / "report.json").read_text("utf-8"))


def test_the_page_stands_alone_and_is_well_formed(written: tuple[str, dict]) -> None:
    checker = _parsed(written[0])
    assert "script" not in checker.tags
    assert "img" not in checker.tags
    assert "link" not in checker.tags
    assert checker.addresses == []
    assert checker.handlers == []
    assert "url(" not in written[0]
    assert "@import" not in written[0]
    assert written[0].lstrip().startswith("<!DOCTYPE html>")


def test_what_was_read_otherwise_is_told_with_its_first_place(written: tuple[str, dict]) -> None:
    assert "2 lines of train.csv could not be read (first: train.csv, line 7)" in written[0]
    assert written[1]["notes"][0]["count"] == 2


def test_a_record_of_counts_alone_is_still_shown(tmp_path: Path) -> None:
    page = reports.write(make(tmp_path / "old", ingest={"notes": {"unreadable_lines": 3}})).read_text("utf-8")
    assert "unreadable lines: 3" in page


def test_texts_are_escaped_everywhere(written: tuple[str, dict]) -> None:
    assert HOSTILE not in written[0]
    assert written[0].count("&lt;script&gt;") == 2  # an example row, and a cell of the training figure
    assert "<b></text>" not in written[0]


def test_huge_texts_are_cut_to_200_characters(written: tuple[str, dict]) -> None:
    row = next(row for s in written[1]["examples"] for row in s["rows"] if row[0] == "row-0001")
    assert len(row[1]) <= 200
    assert row[1].endswith("…")
    assert "why is my card declined " * 9 not in written[0]
    assert shorten("a" * 200) == "a" * 200
    assert shorten("a" * 201) == "a" * 199 + "…"


def test_the_headline_counts_rows_and_says_how_it_was_measured(written: tuple[str, dict]) -> None:
    page, report = written
    assert report["rows"] == {
        "input": 240, "active": 230, "review": 4, "quarantined": 6, "paraphrases": 1, "queued": 9,
    }  # fmt: skip
    assert report["table"] == "5-training.parquet"
    assert "intent: macro f1, on 24 gold rows" in page
    assert "0.812" in page
    assert "gold macro-F1 0.812 against 0.801" in page
    assert "customers\N{RIGHT SINGLE QUOTATION MARK} texts" in page


def test_every_stage_has_its_row_and_skipped_ones_say_why(written: tuple[str, dict]) -> None:
    page, report = written
    names = ["cleaning", "weak_supervision", "augmentation", "active_learning", "training"]
    assert [stage["name"] for stage in report["stages"]] == names
    assert "skipped: no labels" in page
    assert "Why it was skipped" in page  # its pictures are shown too
    assert "<td>from the cache</td>" in page
    assert "near duplicate <b>4</b>" in page
    assert report["stages"][4]["metrics"]["temperature"] is None


def test_every_verdict_has_its_examples(written: tuple[str, dict]) -> None:
    found = {section["title"]: section for section in written[1]["examples"]}
    assert {title: section["count"] for title, section in found.items()} == {
        "Rows quarantined": 6,
        "Rows for review": 4,
        "intent: labels corrected": 2,
        "intent: labels from labeling functions": 50,
        "Paraphrases accepted": 1,
        "Paraphrases rejected": 1,
    }
    assert len(found["intent: labels from labeling functions"]["rows"]) == 12
    assert "kindly assist with my refund" in found["Paraphrases accepted"]["rows"][0]
    corrected = found["intent: labels corrected"]
    assert corrected["rows"][0][2:4] == [LABELS[12], LABELS[3]]


def test_the_queue_is_in_order_of_rank(written: tuple[str, dict]) -> None:
    queue = written[1]["queue"]
    place = queue["columns"].index("rank")
    assert [row[place] for row in queue["rows"]] == list(range(1, 10))


def test_class_balance_is_capped_at_forty_classes(written: tuple[str, dict]) -> None:
    part = written[1]["balance"][0]
    assert part["classes"] == 45
    assert part["more"] == 5
    assert len(part["figure"]["data"]["labels"]) == 40
    assert "and 5 more" in written[0]


def test_without_gold_the_figure_is_called_an_estimate(tmp_path: Path) -> None:
    scores = {"intent": {"macro_f1": 0.7}}
    page = reports.write(make(tmp_path, gold=None, cross_validated=scores, promoted=False)).read_text("utf-8")
    assert "intent: macro f1, cross-validated estimate" in page
    assert "Not promoted" in page


def test_a_bare_record_and_an_empty_table_are_still_reported(tmp_path: Path) -> None:
    keep = ["id", "text", "split", "source", "parent_id", "status", "reason", "intent_given"]
    folder = make(tmp_path, frame().loc[:-1, keep], stages=[{"name": "cleaning"}], gold=None, promoted=None)
    record = json.loads((folder / "run.json").read_text("utf-8"))
    for name in ("ingest", "gold", "promoted", "promotion", "seconds", "inputs"):
        record.pop(name)
    (folder / "run.json").write_text(json.dumps({**record, "status": "failed", "error": "stage <x> failed"}), "utf-8")
    page = reports.write(folder).read_text("utf-8")
    _parsed(page)
    assert "stage &lt;x&gt; failed" in page
    assert "No row is waiting for a label" in page
    assert "Model quality was not measured" in page


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no run\.json"):
        reports.write(tmp_path)
    (tmp_path / "run.json").write_text("{}", "utf-8")
    with pytest.raises(RequestError, match="holds no table"):
        reports.write(tmp_path)


@pytest.mark.parametrize(
    ("kind", "data", "shape", "count"),
    [
        ("bar", {"labels": ["a", "b"], "values": [0, 0]}, "<rect", 2),
        ("bar", {"labels": ["a"], "series": {"x": [1], "y": [2]}}, "<rect", 4),  # two of the legend
        ("bar", {"labels": ["a"], "values": [-0.5]}, "<rect", 1),
        ("histogram", {"edges": [0, 1, 2], "counts": [3, 0]}, "<rect", 2),
        ("line", {"x": [1, 2], "y": [5, None]}, "<polyline", 1),
        ("line", {"x": [3], "y": [0]}, "<polyline", 1),
        ("heatmap", {"rows": ["a"], "columns": ["b", "c"], "values": [[1, None]]}, "<rect", 2),
        ("table", {"columns": ["a"], "rows": [[1], [None]]}, "<td", 2),
    ],
)
def test_each_kind_is_drawn(kind: str, data: dict, shape: str, count: int) -> None:
    drawn = str(draw({"kind": kind, "title": 'a "title" <i>', "data": data}))
    _parsed(drawn)
    assert drawn.count(shape) == count
    if kind != "table":
        assert 'role="img" aria-label="a &#34;title&#34; &lt;i&gt;"' in drawn


@pytest.mark.parametrize("kind", ["bar", "histogram", "line", "heatmap", "pie"])
def test_what_cannot_be_drawn_is_said(kind: str) -> None:
    drawn = str(draw({"kind": kind, "title": "t", "data": {}}))
    assert ("No picture" if kind == "pie" else "Malformed figure data") in drawn


def test_a_bar_is_as_long_as_its_value() -> None:
    drawn = str(draw({"kind": "bar", "title": "t", "data": {"labels": ["a", "b"], "values": [10, 5]}}))
    # the bars have 640 - 190 - 60 = 390 units, and the axis ends at 10
    assert 'width="390.0"' in drawn
    assert 'width="195.0"' in drawn


def test_ticks_cover_the_range() -> None:
    assert svg.ticks(0, 9) == [0, 2.5, 5, 7.5, 10]
    assert svg.ticks(0, 0) == [0, 0.25]
    assert svg.ticks(5, 5)[0] <= 5 <= svg.ticks(5, 5)[-1]
