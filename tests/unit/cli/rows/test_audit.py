"""`tilth audit`: what it finds, says and writes, with an encoder that costs nothing."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.browser import needs_browser
from tests.small_table import HashingEncoder
from tilth import cli
from tilth.night.stages.context import Context

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOPICS = {
    "refund": ["refund", "money", "charged", "paid", "back", "bank", "amount", "invoice", "twice", "statement"],
    "slow": ["slow", "internet", "speed", "evening", "buffering", "video", "wifi", "streaming", "lag", "crawl"],
    "card": ["card", "new", "post", "arrived", "lost", "pin", "plastic", "envelope", "chip", "contactless"],
}
WRONG = {5: "card", 12: "slow", 45: "card", 65: "refund", 80: "card", 130: "slow"}
"""Position → a label that its words do not have."""


def rows() -> pd.DataFrame:
    """60 rows a class, of five of its ten words each, with six wrong labels among them."""
    draw = np.random.default_rng(0)
    lines = [
        {"text": " ".join(draw.permutation(words)[:5]), "intent": label}
        for label, words in TOPICS.items()
        for _ in range(60)
    ]
    frame = pd.DataFrame(lines)
    frame.loc[list(WRONG), "intent"] = list(WRONG.values())
    return frame


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Context, "encoder", HashingEncoder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def audited(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert cli.main(["audit", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_wrong_labels_are_named_with_what_they_should_be(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    assert cli.main(["audit", "rows.csv"]) == 0
    said = capsys.readouterr().out
    assert 'rows.csv: labels: column "intent", by its name, 3 classes' in said
    assert "found so far: labels that look wrong: 6" in said
    assert "page: rows-audit.html\ntable: rows-audit.csv\n" in said
    assert sorted(path.name for path in here.iterdir()) == ["rows-audit.csv", "rows-audit.html", "rows.csv"]
    found = pd.read_csv("rows-audit.csv")
    wrong = found[found["finding"] == "wrong label"].set_index("row")
    assert wrong["label"].to_dict() == {place + 1: label for place, label in WRONG.items()}
    right = {6: "refund", 13: "refund", 46: "refund", 66: "slow", 81: "slow", 131: "card"}
    assert wrong["suggested"].to_dict() == right
    assert wrong.loc[6, "reason"].startswith("of the 10 most similar labeled rows: 1")
    page = Path("rows-audit.html").read_text(encoding="utf-8")
    stated = re.search(r"called wrong here ([\d.]+)% should be \(([\d.]+)% to ([\d.]+)%", page)
    assert stated is not None
    precision, low, high = map(float, stated.groups())
    assert low <= precision <= high
    said = "About {}% of the 6 labels that look wrong should be really wrong ({}% to {}%)"
    assert said.format(*stated.groups()) in page


def test_of_three_labels_nothing_can_be_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None is called wrong, which does not mean that all are right, and both the terminal and the page say so."""
    rows().iloc[[0, 1, 60]].to_csv("three.csv", index=False)
    assert cli.main(["audit", "three.csv"]) == 0
    said = capsys.readouterr().out
    assert "labels in doubt: 0" in said
    assert "wrong ones can hardly be told: that none is named proves nothing" in said
    page = Path("three-audit.html").read_text(encoding="utf-8")
    assert "that none is named does not prove that all are right" in page
    assert "Begin at the top of the list" not in page


def test_of_few_labels_none_is_said_to_be_wrong(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = pd.concat([rows().iloc[first : first + 14] for first in (0, 60, 120)])
    few.to_csv("few.csv", index=False)
    assert cli.main(["audit", "few.csv"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"labels in doubt: [1-9]", said)
    assert "it is unknown how many of them are really wrong" in said
    page = Path("few-audit.html").read_text(encoding="utf-8")
    assert "labels are in doubt</b>" in page
    assert "labels look wrong</b>" not in page


@needs_browser
def test_a_printed_page_has_room_for_the_texts(
    here: Path, capsys: pytest.CaptureFixture[str], browser: Browser
) -> None:
    rows().to_csv("rows.csv", index=False)
    assert cli.main(["audit", "rows.csv"]) == 0
    page = browser.new_page(viewport={"width": 700, "height": 900})  # of an A4 page
    page.goto((here / "rows-audit.html").as_uri())
    page.emulate_media(media="print")
    widths = page.evaluate("[...document.querySelectorAll('#rows thead th')].map(cell => cell.clientWidth)")
    assert widths[2] == max(widths)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()


def test_copies_conflicts_junk_and_leaks_by_their_row_numbers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = [
        ("my parcel is lost again", "card", "train"),  # 181: twice "card", once "slow"
        ("My parcel is lost again!", "card", "train"),
        ("my parcel is lost again", "slow", "train"),
        ("undefined undefined [object Object]", "slow", "train"),  # 184
        ("evening wifi is gone since June", "slow", "train"),  # 185
        ("Evening wifi is gone, since June", "slow", "test"),  # 186
    ]
    extra = pd.DataFrame(more, columns=["text", "intent", "split"])
    pd.concat([rows().assign(split="train"), extra]).to_csv("rows.csv", index=False)
    counts = audited(capsys, "rows.csv")["findings"]
    assert (counts["conflicting copies"], counts["junk"], counts["leak"]) == (3, 1, 1)
    found = pd.read_csv("rows-audit.csv", dtype={"other_row": str}).set_index("row")
    conflict = found[found["finding"] == "conflicting copies"]
    assert conflict["suggested"].to_dict() == {181: "card", 182: "card", 183: "card"}
    assert conflict.loc[183, "reason"] == 'the same text has several labels: "card" (2), "slow" (1)'
    assert conflict.loc[183, "other_row"] == "181 182"
    leak = found[found["finding"] == "leak"]
    assert (leak.index.tolist(), leak["other_row"].tolist()) == ([186], ["185"])
    assert found[found["finding"] == "junk"].index.tolist() == [184]
    assert "row 185" in found[found["finding"] == "copy"].loc[186, "reason"]


def test_rows_that_stand_in_the_gold_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    rows().iloc[[3, 50]].to_csv("gold.csv", index=False)
    assert audited(capsys, "rows.csv", "--gold", "gold.csv")["findings"]["leak"] == 2
    found = pd.read_csv("rows-audit.csv")
    assert found[found["finding"] == "leak"]["row"].tolist() == [4, 51]


def test_nothing_of_a_row_is_markup_or_a_formula(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "=HYPERLINK('x') <script>alert(1)</script> refund money back \u202e bank"
    copies = pd.DataFrame({"text": [text, text], "intent": ["refund", "<b>slow</b>"]})  # which contradict each other
    frame = pd.concat([rows(), copies])
    frame.to_csv("rows.csv", index=False)
    audited(capsys, "rows.csv")
    page, table = (
        Path("rows-audit.html").read_text(encoding="utf-8"),
        Path("rows-audit.csv").read_text(encoding="utf-8"),
    )
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>slow" not in page
    assert "'=HYPERLINK" in table
    assert not re.search(r"""(?:src|href)=["']?(?!#)|https?:|@import|url\(""", page)


def test_again_it_is_written_over_and_of_others_nothing_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    first = audited(capsys, "rows.csv")
    assert audited(capsys, "rows.csv")["findings"] == first["findings"]
    Path("rows-audit.csv").write_text("my,own,table\n")
    assert cli.main(["audit", "rows.csv"]) == 2
    assert "rows-audit.csv is there already, and tilth audit did not write it" in capsys.readouterr().err
    assert Path("rows-audit.csv").read_text() == "my,own,table\n"


def test_what_a_workspace_says_of_its_nights_holds_back_no_audit(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tilth.toml").write_text('[data]\ninput = "gone.csv"\n[cleaning]\nwhen = "never"\n[[tasks]]\nname = "other"\n')
    rows().to_csv("rows.csv", index=False)
    assert audited(capsys, "rows.csv")["findings"]["wrong label"] == 6


def test_a_sample_keeps_the_numbers_of_the_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    told = audited(capsys, "rows.csv", "--rows", "150")
    assert (told["rows"], told["part"]) == (150, 180)
    found, texts = pd.read_csv("rows-audit.csv"), rows()["text"]
    assert len(found)
    assert all(texts[line["row"] - 1] == line["text"] for line in found.to_dict("records"))


def test_many_rows_are_asked_about_first(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilth.cli.rows.audit_request.MOST", 179)
    rows().to_csv("rows.csv", index=False)
    assert cli.main(["audit", "rows.csv"]) == 2
    assert "give --rows 20000 for a sample of them, or --rows 180 for all" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["rows.csv"]


def test_stopped_nothing_half_written_is_left(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows().to_csv("rows.csv", index=False)

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tilth.reports.audit.page.write_csv", stopped)
    assert cli.main(["audit", "rows.csv"]) == 130
    assert [path.name for path in here.iterdir()] == ["rows.csv"]
    assert not list((here.parent / "cache/tilth/cache").glob(".tilth-tmp-*"))


def test_rows_of_standard_input(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Piped(io.StringIO):
        buffer = io.BytesIO(rows().to_csv(index=False).encode())

    monkeypatch.setattr(sys, "stdin", Piped())
    told = audited(capsys, "-")
    assert (told["rows"], told["page"]) == (180, "rows-audit.html")
    page = (here / "rows-audit.html").read_text(encoding="utf-8")
    assert "tilth audit rows<" not in page  # no such file, and a command that is shown must work


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "no file"),
        ("empty.csv", b"", "empty"),
        ("head.csv", b"text,label\n", "no rows"),
        ("latin.csv", "text,label\ncaf\u00e9 au lait est bon,a\n".encode("latin-1"), "UTF-8"),
        ("one.csv", b"text,label\nwhere is it now,a\nthis is slow,a\n", 'holds one class alone, "a"'),
        ("ids.csv", b"text,label\nwhere is it now,a1\nthis is slow,a2\n", "as ids or"),
        ("bare.csv", b"text\nwhere is it now\nthis is slow\n", "--label COLUMN"),
    ],
)
def test_a_wrong_file_is_refused_with_the_fix(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    assert cli.main(["audit", name]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""
    assert [path.name for path in here.iterdir()] == ([name] if content is not None else [])
