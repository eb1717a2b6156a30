"""Claim: on the page of `tilth label` a key is answered within 50 ms at 100,000 queued rows.

    python benchmarks/label_page.py [--rows N]

A made-up night of 200 classes in 20 areas, served on 127.0.0.1, with half of the queue answered before. Two times: from
a key to the next row on the screen, in headless Chromium (on the path, or named by CHROMIUM), and the server's own,
until an answer is on the disk, and until the next row is handed out.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

import _results
import httpx
import numpy as np
import pandas as pd
import uvicorn

from tilth import samples as table
from tilth import store
from tilth.annotation import Desk, create_app, open_port, read_night_rows
from tilth.io import write_csv
from tilth.samples import Task
from tilth.store import Run
from tilth.store.answers import Answer, Answers

CLASSES, AREAS, KEYS, AIM = 200, 20, 100, 50.0


def night(root: Path, rows: int) -> Run:
    """A run that asks about every row."""
    labels = tuple(f"class_{number}" for number in range(CLASSES))
    areas = tuple(f"area_{number}" for number in range(AREAS))
    under = {label: areas[code % AREAS] for code, label in enumerate(labels)}
    tasks = [Task(name="area", labels=areas), Task(name="intent", labels=labels, parent="area", parent_of=under)]
    drawn = np.random.default_rng(0).integers(CLASSES, size=(3, rows))
    given, first, second = (np.array(labels, dtype=object)[codes] for codes in drawn)
    frame = pd.DataFrame({"id": [f"row-{number}" for number in range(rows)]})
    frame["text"] = [f"message {number} about {label}, and what came of it" for number, label in enumerate(first)]
    frame["split"], frame["source"], frame["parent_id"], frame["status"], frame["reason"] = (
        "train",
        "input",
        None,
        "active",
        None,
    )
    frame["intent_given"], frame["area_given"] = given, [under[label] for label in given]
    folder = root / "data/runs/20260101-020000"
    folder.mkdir(parents=True)
    store.write_table(
        folder / "4-active_learning.parquet", table.from_pandas(table.resolve(frame.copy(), tasks), tasks)
    )
    queue = frame[["id", "text"]].assign(
        detector="uncertain",
        reason="It has no sure intent",
        belief=[f"{one} 0.52 · {other} 0.31" for one, other in zip(first, second, strict=True)],
        group="",
        intent_suggested=first,
    )
    write_csv(queue, folder / "queue.csv")
    described = [task.to_json() for task in tasks]
    store.write_json(folder / "run.json", {"started": "2026-01-01T02:00:00+00:00", "tasks": described, "stages": []})
    return Run(folder)


def answered_before(answers: Answers, run: Run, count: int) -> None:
    """Half of the queue, by somebody else, on the evening before."""
    rows = read_night_rows(run)
    ids = list(rows.queue)[:count]
    first = [Answer(row_id=one, text=rows.text(one), task="intent", label="class_0") for one in ids]
    answers.add_all({"ben": first})


def server_times(base: str, opened: str) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds until an answer is acknowledged, until the next row is handed out, and of the processor for both."""
    given, asked, work = [], [], []
    with httpx.Client(base_url=base, trust_env=False) as client:
        client.get(opened)
        for number in range(KEYS):
            begun, before = time.perf_counter(), time.process_time()
            (row,) = client.post("/api/next", json={"count": 1}).json()["rows"]
            middle = time.perf_counter()
            label = row["likeliest"]["intent"][0]["label"]
            verdicts = [{"task": "intent", "verdict": "label", "label": label}]
            body = {"step": f"step-{number:05d}", "row_id": row["id"], "verdicts": verdicts}
            client.post("/api/answer", json=body).raise_for_status()
            asked.append(1000 * (middle - begun))
            given.append(1000 * (time.perf_counter() - middle))
            work.append(1000 * (time.process_time() - before))
    return given, asked, work


_KEY = """async () => { const text = document.getElementById('text'), before = text.textContent;
    const start = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', bubbles: true}));
    while (text.textContent === before) await new Promise((next) => setTimeout(next, 0));
    await new Promise(requestAnimationFrame); return performance.now() - start; }"""


def page_times(opened: str) -> list[float]:
    """Milliseconds from a key to the next row on the screen; none without a browser."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(opened)
        page.wait_for_selector(".likeliest button")
        found = []
        for _ in range(KEYS):
            page.wait_for_timeout(250)  # nobody reads a row faster
            found.append(float(page.evaluate(_KEY)))
        browser.close()
    return found


def main() -> None:
    """Run, print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        run, token = night(Path(folder), rows), secrets.token_urlsafe(16)
        with Answers.open(Path(folder) / "data/labels.sqlite") as answers:
            answered_before(answers, run, rows // 2)
            begun = time.perf_counter()
            desk = Desk(read_night_rows(run), answers)
            start = time.perf_counter() - begun
            listening = open_port(0)
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            app = create_app(desk, None, token, "ann")
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            given, asked, work = server_times(base, f"{base}/?token={token}")
            keys = page_times(f"{base}/?token={token}")
            server.should_exit = True
            thread.join()
    lines = [
        [name, f"{np.median(times):.1f}", f"{np.percentile(times, 95):.1f}", f"{max(times):.1f}"]
        for name, times in (
            ("from a key to the next row on the screen", keys),
            ("an answer, until it is on the disk", given),
            ("the next row, leased", asked),
            ("of the processor, for both, server and client", work),
        )
        if times
    ]
    _results.write(
        "label_page",
        "# The label page: how long a key takes\n\n"
        f"`python benchmarks/label_page.py` ({_results.machine()})\n\n"
        f"{rows:,} queued rows of {CLASSES} classes in {AREAS} areas, half of them answered; {KEYS} keys. Aim: "
        f"{AIM:.0f} ms. The page was ready to hand out rows after {start:.1f} s.\n\n"
        + _results.table(("ms", "median", "95%", "most"), lines),
    )


if __name__ == "__main__":
    main()
