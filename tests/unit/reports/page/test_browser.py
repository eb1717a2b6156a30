"""The page in headless Chromium: it opens, it is fast, it fits, it says no more than it should."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.browser import Watched, needs_browser
from tests.unit.reports.fake_run import HOSTILE, frame, make
from tilth import reports
from tilth.reports.page.files import row_files

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
RTL = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe \N{ARABIC LETTER ALEF} \N{PILE OF POO} \N{ZERO WIDTH JOINER}"


class Opened(Watched):
    """A page, with what it said and asked for since it was opened."""

    def __init__(self, page: Page, path: Path) -> None:
        super().__init__(page)
        page.goto(path.as_uri())
        page.wait_for_selector("tr.row, .static")

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night with every kind of verdict, whose texts and classes are as bad as they can be."""
    rows = frame()
    rows.loc[18, "text"] = RTL
    rows.loc[rows["text"] == HOSTILE, ["status", "reason"]] = ["quarantined", "junk"]
    return reports.write(make(tmp_path_factory.mktemp("runs") / "one", rows))


def _open(browser: Browser, path: Path, width: int = 1400, **how: Any) -> Opened:
    return Opened(browser.new_page(viewport={"width": width, "height": 900}, **how), path)


@pytest.mark.parametrize("width", [375, 1400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_a_fault_and_fits(browser: Browser, run: Path, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    opened = _open(browser, run, width, color_scheme=scheme)
    assert opened.messages == []
    assert opened.requests == [run.as_uri()]
    assert opened.overflow() <= 0
    faults = [(fault["id"], fault["nodes"][0]["html"]) for fault in Axe().run(opened.page).response["violations"]]
    assert faults == []
    screens = opened.page.evaluate("document.getElementById('engineers').offsetTop / 900")
    assert width < 1400 or screens <= 6
    for fold in opened.page.locator("#engineers details").all():
        fold.evaluate("fold => { fold.open = true }")
    assert opened.overflow() <= 0
    opened.page.close()


def test_no_text_of_a_row_is_run_or_becomes_an_element(browser: Browser, run: Path) -> None:
    opened = _open(browser, run)
    opened.page.fill("#f-text", "alert(")
    assert opened.page.locator("tr.row").count() == 1
    assert opened.page.locator("tr.row bdi").first.text_content() == HOSTILE
    opened.page.locator("tr.row").click()
    assert opened.page.locator("#story blockquote").text_content() == HOSTILE
    assert opened.page.evaluate("document.images.length") == 0
    # What a fault elsewhere would let in is not run either: the page's policy names its own script alone.
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.run = 1'}))"
    )
    assert opened.page.evaluate("window.run") is None
    opened.page.close()


def test_rows_are_searched_filtered_sorted_and_tell_their_story(browser: Browser, run: Path) -> None:
    opened = _open(browser, run)
    page = opened.page

    def count() -> int:
        return int((page.locator("#rows-count").text_content() or "").split(" ")[0])

    page.select_option("#f-verdict", "corrected")
    assert count() == 2
    page.locator("tr.row").first.click()
    story = page.locator("#story-body").text_content() or ""
    assert "a correction by cleaning (sure to 93%)" in story
    page.locator("#story-after").click()
    assert page.locator("#story-title").text_content() == "Row 2 of 2"
    page.keyboard.press("Escape")
    page.select_option("#f-verdict", "")
    page.select_option("#f-reason", "near_duplicate")
    page.select_option("#f-sort", "id")
    assert page.locator("tr.row bdi").first.text_content() == (frame().loc[6, "text"])[:240]
    page.select_option("#f-stage", "augmentation")
    assert count() == 0
    page.fill("#f-text", "")
    page.select_option("#f-reason", "")
    assert count() == 2  # two paraphrases
    link = page.locator("#todo a[data-filter]").first
    wanted = int((page.locator("#todo b.count").first.text_content() or "0").replace(",", ""))
    link.click()
    assert count() == wanted
    assert opened.messages == []
    page.close()


def test_a_printed_page_cuts_no_column(browser: Browser, run: Path) -> None:
    opened = _open(browser, run, 700)  # an A4 page is narrower than a window
    opened.page.emulate_media(media="print")
    assert opened.overflow() <= 0
    cut = """() => [...document.querySelectorAll('.static td, .static th, .bars td')]
        .filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"""
    assert opened.page.evaluate(cut) == 0
    assert opened.page.locator(".static table").is_visible()
    assert not opened.page.locator("#rows-window").is_visible()
    assert opened.page.pdf(format="A4").startswith(b"%PDF")
    opened.page.close()


def _many(rows: int) -> pd.DataFrame:
    """So many rows, all of them set aside, of 2,000 classes with slashes and quotes in their names."""
    labels = [f'class/{k}\'s "own" </script><img src=x onerror=alert(1)>' for k in range(2_000)]
    return pd.DataFrame(
        {
            "id": [f"r{k:06d}" for k in range(rows)],
            "text": [f"text number {k} about this and that" for k in range(rows)],
            "split": "train",
            "source": "input",
            "parent_id": None,
            "status": "quarantined",
            "reason": np.where(np.arange(rows) % 2, "junk", "near_duplicate"),
            "intent_given": [labels[k % 2_000] for k in range(rows)],
            "intent": [labels[k % 2_000] for k in range(rows)],
            "intent_origin": "given",
            "intent_confidence": 0.5,
        }
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = _many(100_000)
    labels = list(rows["intent_given"].iloc[:2_000])
    task = {"name": "intent", "labels": labels, "parent": None, "parent_of": {}}
    folder = make(tmp_path_factory.mktemp("large") / "one", frame().iloc[:3], tasks=[task])
    rows.to_parquet(folder / "5-training.parquet", index=False)
    return reports.write(folder)


def test_a_hundred_thousand_rows_are_searched(browser: Browser, large: Path) -> None:
    assert large.stat().st_size < 3_000_000
    opened = _open(browser, large)
    page = opened.page
    page.locator("#rows-load").click()
    page.locator("#rows-more").wait_for(state="hidden")
    assert (page.locator("#rows-count").text_content() or "").startswith("100,000 of 100,000")
    page.locator("#f-text").fill("number 777")
    page.locator("#rows-count", has_text=re.compile("^111 of 100,000")).wait_for()
    assert page.locator("tr.row").count() < 60  # only rows in sight are in the document
    page.evaluate("document.getElementById('rows-window').scrollTop = 1e9")
    page.locator("tr.row", has_text="text number 77799").wait_for()
    assert opened.messages == []
    assert page.evaluate("document.images.length") == 0  # the classes' names hold some
    assert all(url.startswith("file:") for url in opened.requests)
    assert opened.overflow() <= 0
    page.close()


def test_a_page_that_was_mailed_alone_says_where_the_other_rows_are(
    browser: Browser, large: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "report.html"
    shutil.copy(large, alone)
    opened = _open(browser, alone)
    assert opened.messages == []
    opened.page.locator("#rows-load").click()
    opened.page.locator("#rows-said", has_text="not beside this page").wait_for()
    assert opened.page.locator("tr.row").count() > 0
    opened.page.close()


def test_a_file_of_rows_that_comes_late_is_loaded_and_those_before_it_once(
    browser: Browser, large: Path, tmp_path: Path
) -> None:
    shutil.copy(large, tmp_path / "report.html")
    shutil.copytree(large.parent / "report", tmp_path / "report", ignore=shutil.ignore_patterns("rows-2.js"))
    opened = _open(browser, tmp_path / "report.html")
    opened.page.locator("#rows-load").click()
    opened.page.locator("#rows-said", has_text="rows-2.js is not beside this page").wait_for()
    shutil.copy(large.parent / "report/rows-2.js", tmp_path / "report")
    opened.page.locator("#rows-load").click()
    opened.page.locator("#rows-more").wait_for(state="hidden")
    assert (opened.page.locator("#rows-count").text_content() or "").startswith("100,000 of 100,000")
    opened.page.close()


def test_rows_beyond_the_budget_lie_in_scripts_and_go_when_they_fit(tmp_path: Path) -> None:
    facts = [{"i": str(k), "t": "x" * 50} for k in range(10)]
    one = len('{"i":"0","t":"' + "x" * 50 + '"}') + 1
    assert row_files.divide(facts, budget=4 * one) == 4
    files = row_files.write_further(tmp_path, facts[4:])
    assert files == [{"name": "report/rows-1.js", "rows": 6}]
    assert (tmp_path / "report/rows-1.js").read_text("utf-8").startswith('tilthRows([{"i":"4"')
    assert row_files.write_further(tmp_path, []) == []
    assert not (tmp_path / "report").exists()
