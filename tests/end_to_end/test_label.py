"""The page as it is started on a terminal: what it says, that it ends, and that no answer is ever lost."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest

from tests.browser import needs_browser
from tests.command_line import PATIENCE, Workspace, new_workspace, until
from tests.unit.annotation.night import make_night
from tilth.store.answers import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

NIGHT = ("run", "--to", "active_learning", "--skip", "augmentation", "--set", "active_learning.batch=40")


class Served:
    """`tilth label` in a process of its own, and a client that has opened its page."""

    def __init__(self, workspace: Workspace, *options: str) -> None:
        self.process = workspace.start("label", "--no-browser", "--annotator", "ann", *options)
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.first + self.url

    def client(self, who: str = "ann") -> httpx.Client:
        base = self.url.partition("/?")[0]
        client = httpx.Client(base_url=base, headers={"Tilth-Annotator": who}, timeout=30 * PATIENCE, trust_env=False)
        assert client.get(self.url).status_code == 200
        return client

    def stop(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30 * PATIENCE)


@contextmanager
def served(workspace: Workspace, *options: str) -> Iterator[Served]:
    found = Served(workspace, *options)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


def answer(client: httpx.Client, row: dict[str, Any], step: str) -> None:
    (task, likeliest), *_ = row["likeliest"].items()
    verdicts = [{"task": task, "verdict": "label", "label": likeliest[0]["label"]}]
    body = {"step": step, "row_id": row["id"], "verdicts": verdicts, "copies": True, "seconds": 1.0}
    assert client.post("/api/answer", json=body).raise_for_status().json()["stored"] > 0


@needs_browser
def test_forty_answers_by_keyboard_are_what_the_next_night_goes_by(tmp_path: Path, browser: Browser) -> None:
    workspace = new_workspace(tmp_path / "workspace")
    first = workspace(*NIGHT)
    assert first.returncode == 0, first.stderr
    asked = pd.read_parquet(workspace.runs[-1] / "4-active_learning.parquet").query("acquisition_rank.notna()")
    id_of = dict(zip(asked["text"], asked["id"], strict=True))
    with served(workspace) as page:
        given = answer_by_keyboard(browser.new_page(), page.url, id_of)
        done, trouble = page.stop()
    assert trouble == ""
    assert page.process.returncode == 0
    assert "the next tilth run takes them above everything else" in done
    assert given.keys() == set(id_of.values())
    assert len(given) > 30
    second = workspace(*NIGHT)
    assert second.returncode == 0, second.stderr
    assert "answers of 1 person are applied" in second.stderr
    after = pd.read_parquet(workspace.runs[-1] / "4-active_learning.parquet").set_index("id")
    assert after.loc[list(given), "intent_origin"].eq("annotator").all()
    assert after.loc[list(given), "intent"].to_dict() == given
    assert after.loc[list(given), "area"].notna().all()  # the task above is answered in the same step
    assert after.loc[list(given), "acquisition_rank"].isna().all()
    answers = workspace.record()["answers"]["tasks"]["intent"]
    assert answers["labels"] >= len(given)
    assert answers["new"] + answers["changed"] > 0


def answer_by_keyboard(window: Page, url: str, id_of: dict[str, str]) -> dict[str, str]:
    """Press 1 and 2 in turn until nothing is asked any more: row id → the label that stood at that key."""
    given: dict[str, str] = {}
    window.goto(url)
    until(lambda: window.text_content("#text") in id_of, 20, "the first row is on the page")
    while len(given) < len(id_of):
        text, key = str(window.text_content("#text")), len(given) % 2
        given[id_of[text]] = str(window.locator(".likeliest .speaks").nth(key).get_attribute("data-label"))
        window.keyboard.press(str(key + 1))
        until(lambda: window.text_content("#text") != text or window.is_visible("#done"), 20, "the next row")  # noqa: B023
    until(lambda: window.is_visible("#done") and window.text_content("#saving") == "", 20, "all answers are saved")
    window.close()
    return given


def test_twenty_people_and_a_kill_lose_and_double_no_answer(tmp_path: Path) -> None:
    make_night(tmp_path, [f"row {number}" for number in range(6000)])
    workspace = Workspace(tmp_path)
    at: dict[str, Served] = {}
    stop, handed, kept = threading.Event(), defaultdict[str, set[str]](set), dict[str, str]()

    def person(who: str) -> None:
        client, page = at["page"].client(who), at["page"]
        while not stop.is_set():
            try:
                rows = client.post("/api/next", json={"count": 2}).raise_for_status().json()["rows"]
                for row in rows:
                    handed[row["id"]].add(who)
                    answer(client, row, f"step-{who}-{row['id']}")
                    kept[row["id"]] = who  # acknowledged
            except httpx.HTTPError:  # killed; the page goes on with the next one
                while at["page"] is page and not stop.is_set():
                    time.sleep(0.05)
                if not stop.is_set():
                    client, page = at["page"].client(who), at["page"]

    with served(workspace) as before:
        at["page"] = before
        people = [threading.Thread(target=person, args=(f"person {number}",)) for number in range(20)]
        for one in people:
            one.start()
        until(lambda: len(kept) > 100, 60, "no hundred answers")
        before.process.kill()
        first = len(kept)
        with served(workspace) as after:
            at["page"] = after
            until(lambda: len(kept) > first + 100, 60, "no answers after the kill")
            stop.set()
            for one in people:
                one.join()
            assert after.stop()[1] == ""
    assert all(len(who) == 1 for who in handed.values())  # nobody had a row that another had
    with Answers.open(tmp_path / "data/labels.sqlite") as answers:
        now = answers.current()
    of_intent = now[now["task"].eq("intent")]
    stored = dict(zip(of_intent["row_id"], of_intent["who"], strict=True))
    assert {row: stored.get(row) for row in kept} == kept
    assert set(Counter(of_intent["row_id"]).values()) == {1}


def test_a_port_in_use_and_a_night_that_asks_nothing_are_said(tmp_path: Path) -> None:
    make_night(tmp_path)
    workspace = Workspace(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = workspace("label", "--no-browser", "--port", str(port))
    assert refused.returncode == 2
    assert re.search(rf"--port {port} cannot be had \(Address already in use\).*leave --port out", refused.stderr)
    queue = next(tmp_path.glob("data/runs/*/queue.csv"))
    queue.unlink()
    nothing = workspace("label", "--no-browser")
    assert nothing.returncode == 2
    assert "make one with: tilth run --to active_learning" in nothing.stderr
