"""The page in headless Chromium: rows are answered by keyboard alone, whatever their texts hold, on any screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from tests.browser import Watched, needs_browser
from tests.unit.annotation.night import DEFINITIONS, MARKUP, TOKEN, make_night, make_two_tasks
from tilth.annotation import Desk, Evidence, create_app, open_port, read_night_rows
from tilth.store import Run
from tilth.store.answers import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser


class Served(Watched):
    """A page that is served, and a browser's window on it."""

    def __init__(self, root: Path, browser: Browser, run: Run | None = None, **how: Any) -> None:
        run = run or make_night(root)
        self.answers = Answers.open(root / "data/labels.sqlite")
        desk = Desk(read_night_rows(run), self.answers)
        listening = open_port(0)
        port = listening.getsockname()[1]
        app: Any = create_app(desk, Evidence(run), TOKEN, "ann", DEFINITIONS)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()
        super().__init__(browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **how}))
        self.page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
        self.at(0)

    def close(self) -> None:
        self.page.close()
        self._server.should_exit = True
        self._thread.join()
        self.answers.close()

    def at(self, row: int, text: str | None = None) -> None:
        """Wait until the row of that number is on the screen, and answered so far are all before it."""
        wanted = text or {0: "my line is slow", 1: "<script>", 4: "=HYPER", 5: "where is my", 7: "no internet"}[row]
        self.until(lambda: str(self.page.text_content("#text")).startswith(wanted))

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait; the page's own policy keeps Playwright from waiting inside it."""
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, str(self.page.text_content("#text"))[:200]
            time.sleep(0.01)

    def labels(self, row_id: str) -> list[str]:
        """What is in force of a row, once the page has nothing more to save."""
        self.until(lambda: self.page.text_content("#saving") == "")
        now = self.answers.current()
        return sorted((now["label"].fillna(now["verdict"]))[now["row_id"].eq(row_id)])


@pytest.fixture
def served(tmp_path: Path, browser: Browser) -> Iterator[Served]:
    found = Served(tmp_path, browser)
    yield found
    found.close()


def test_rows_are_answered_by_keyboard_alone(served: Served) -> None:
    page, keys = served.page, served.page.keyboard
    assert DEFINITIONS["slow"] in str(page.text_content(".likeliest li:first-child"))
    assert TOKEN not in page.url  # nor in the history
    keys.press("Enter")  # what is likeliest
    served.at(1)
    assert page.evaluate("document.querySelectorAll('#text script, #text img').length") == 0
    assert page.text_content("#text") == MARKUP
    keys.press("j")
    served.until(lambda: "gnp.exe" in str(page.text_content("#text")))
    assert "turn its direction" in str(page.text_content("#reason"))
    assert page.evaluate("getComputedStyle(document.getElementById('text')).unicodeBidi") == "isolate"
    keys.press("s")  # skipped: it comes again at the end
    served.until(lambda: len(str(page.text_content("#text"))) > 100_000)
    keys.press("2")
    served.at(4)
    keys.press("/")
    keys.type("refu")
    keys.press("Enter")
    served.at(5)
    assert page.text_content("#copies-count") == "Answer for 1 near copy too"
    keys.press("m")
    keys.type("three weeks")
    keys.press("Enter")
    keys.press("/")
    keys.type("money_only")  # the area is sure, and no intent fits; as a class is written in the data
    keys.press("Enter")
    served.at(7)
    keys.press("u")
    served.at(5)
    assert served.labels("r5") == []
    keys.press("/")
    keys.type("bil")
    keys.press("Enter")
    served.at(7)
    keys.press("c")
    served.at(8, "the line is slow")
    assert page.text_content("#parent-text") == "my line is slow"
    keys.press("w")
    served.until(lambda: "gnp.exe" in str(page.text_content("#text")))
    keys.press("n")
    page.wait_for_selector("#done:not([hidden])")
    assert [served.labels(f"r{row}") for row in (0, 1, 2, 3, 4, 5, 6, 7)] == [
        ["internet", "slow"],
        ["junk"],
        ["none_of_these", "none_of_these"],
        ["down", "internet"],
        ["money", "refund"],
        ["bill", "money"],
        ["bill", "money"],
        ["unclear", "unclear"],
    ]
    assert served.labels("p0") == ["wrong_paraphrase"]
    assert served.messages == []
    assert all(url.startswith("http://127.0.0.1:") for url in served.requests)


def test_the_list_and_any_row_by_keyboard(served: Served) -> None:
    page, keys = served.page, served.page.keyboard
    keys.press("l")
    page.wait_for_selector("#lines button:focus")
    keys.press("a")  # accepts, and goes on
    page.wait_for_selector("#lines .answered")
    assert served.labels("r0") == ["internet", "slow"]
    keys.press("ArrowDown")
    keys.press("f")
    keys.type("wheres my")
    served.until(lambda: page.text_content("#found") == "1 row")
    keys.press("ArrowDown")
    keys.press("Enter")
    served.at(6, "wheres my refund")
    assert page.text_content("#reason") == "You looked this row up."
    keys.press("/")
    keys.type("refund")
    keys.press("Enter")
    assert served.labels("r6") == ["money", "refund"]
    assert served.messages == []


def test_single_keys_can_be_turned_off_and_buttons_do_all_the_same(served: Served) -> None:
    page, keys = served.page, served.page.keyboard
    keys.press("?")
    page.uncheck("#keys")
    page.click("#close-help")
    page.focus("#text")
    keys.press("j")
    keys.press("1")
    page.focus(".likeliest li:nth-child(2) button")
    keys.press("Enter")
    served.at(1)
    assert served.labels("r0") == ["down", "internet"]
    assert page.text_content("#status") == f"down. Next: {MARKUP}"


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible_and_fits(tmp_path: Path, browser: Browser, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    phone = width == 375
    size = {"width": width, "height": 800}
    served = Served(tmp_path, browser, viewport=size, color_scheme=scheme, has_touch=phone, is_mobile=phone)
    page, keys = served.page, served.page.keyboard
    try:
        page.wait_for_selector("#evidence dl")
        assert page.is_visible("#skip kbd") != phone  # no keys are named where there are none
        for key, shown in ((None, ".likeliest"), ("/", "#options li"), ("l", "#lines button"), ("?", "#help[open]")):
            if key:
                page.focus("#text") if page.is_visible("#text") else None
                keys.press(key)
            page.wait_for_selector(shown)
            time.sleep(0.2)  # of a color that is changing no contrast can be told
            faults = [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]]
            assert faults == []
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            if key == "/":
                keys.press("Escape")
    finally:
        served.close()


def test_an_answer_that_is_not_acknowledged_is_sent_again(served: Served) -> None:
    page, keys = served.page, served.page.keyboard
    page.context.set_offline(True)
    keys.press("Enter")
    served.at(1)  # the next row is there at once
    served.until(lambda: page.is_visible("#trouble"))
    assert "sent again" in str(page.text_content("#trouble"))
    assert page.text_content("#saving") == "saving 1 …"
    page.context.set_offline(False)
    assert served.labels("r0") == ["internet", "slow"]


def test_tasks_of_which_neither_is_under_the_other_are_answered_one_after_the_other(
    tmp_path: Path, browser: Browser
) -> None:
    served = Served(tmp_path, browser, make_two_tasks(tmp_path))
    keys = served.page.keyboard
    try:
        keys.press("2")  # area
        assert served.page.text_content("#status") == "money. Now intent."
        keys.press("n")
        served.at(1, "my bill is wrong")
        assert served.labels("r0") == ["money", "none_of_these"]
    finally:
        served.close()
