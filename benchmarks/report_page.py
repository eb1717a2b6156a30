"""The morning page: how long it takes to write, how large it is, how soon it is there, how fast its rows are searched.

    python benchmarks/report_page.py

Runs of 2,000, 20,000 and 100,000 rows, each of which the night touched, of 150 classes, in headless Chromium (which has
to be on the path, or named by CHROMIUM); and the map's two ways, on vectors of 150 groups. Nothing was tuned on these.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from playwright.sync_api import Browser, sync_playwright
from sklearn.decomposition import PCA

from tilth import reports, store
from tilth.reports.page.rows.map_of_texts import project

CLASSES, OPENINGS = 150, 5
_SEARCH = """async (text) => { const field = document.getElementById('f-text'); field.value = text;
    const start = performance.now(); field.dispatchEvent(new Event('input'));
    await new Promise(requestAnimationFrame); return performance.now() - start; }"""


def night(folder: Path, rows: int) -> Path:
    """A run's folder whose rows were all touched: half set aside, half with a doubtful label."""
    rng = np.random.default_rng(0)
    labels = [f"class_{k}" for k in range(CLASSES)]
    given = rng.integers(CLASSES, size=rows)
    doubted = np.arange(rows) % 2 == 0
    frame = pd.DataFrame(
        {
            "id": [f"row-{k}" for k in range(rows)],
            "text": [f"message {k} about {labels[code]} and what came of it" for k, code in enumerate(given)],
            "split": "train",
            "source": "input",
            "parent_id": None,
            "status": np.where(doubted, "active", "quarantined"),
            "reason": np.where(doubted, None, "near_duplicate"),
            "intent_given": [labels[code] for code in given],
            "intent": np.where(doubted, None, [labels[code] for code in given]),
            "intent_reason": np.where(doubted, "label_review", None),
            "intent_given_confidence": rng.random(rows),
            "intent_suggested": [labels[code] for code in rng.integers(CLASSES, size=rows)],
        }
    )
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "1-cleaning.parquet", index=False)
    task = {"name": "intent", "labels": labels, "parent": None, "parent_of": {}}
    store.write_json(folder / "run.json", {"run_id": folder.name, "status": "completed", "tasks": [task], "stages": []})
    return folder


def measured(browser: Browser, folder: Path, rows: int) -> list[object]:
    """A line of the table: rows, a processor's seconds to write, megabytes, seconds to open, milliseconds to search."""
    run = night(folder / str(rows), rows)
    start = time.process_time()
    page_file = reports.write(run)
    wrote = time.process_time() - start
    opened, searched = [], []
    for _ in range(OPENINGS):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        start = time.perf_counter()
        page.goto(page_file.as_uri())
        page.locator("tr.row").first.wait_for()
        opened.append(time.perf_counter() - start)
        if page.locator("#rows-more").is_visible():
            page.locator("#rows-load").click()
            page.locator("#rows-more").wait_for(state="hidden")
        page.evaluate(_SEARCH, "the first one makes the index")
        searched.append(page.evaluate(_SEARCH, f"message {rows - 1}"))
        page.close()
    megabytes = page_file.stat().st_size / 1e6
    return [f"{rows:,}", f"{wrote:.1f}", f"{megabytes:.2f}", _results.shown(opened), f"{np.median(searched):.0f}"]


def maps() -> list[list[object]]:
    """Seconds of one processor for the places of so many texts, by principal components and as the page has it."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLASSES, 384))
    lines = []
    for count in (2_000, 5_000):
        vectors = centers[rng.integers(CLASSES, size=count)] + rng.normal(size=(count, 384))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        seconds = []
        for way in (lambda found: PCA(2, random_state=0).fit_transform(found), project):
            start = time.process_time()
            way(vectors)
            seconds.append(f"{time.process_time() - start:.1f}")
        lines.append([f"{count:,}", *seconds])
    return lines


def main() -> None:
    """Measure, print and write `results/report_page.md`."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = [measured(browser, Path(folder), count) for count in (2_000, 20_000, 100_000)]
        browser.close()
    columns = [
        "rows touched",
        "written in s of one processor",
        "page in MB",
        "open in s",
        "a search in ms, all rows loaded",
    ]
    _results.write(
        "report_page",
        f"# The morning page\n\n`python benchmarks/report_page.py`, one core beside other work; {_results.machine()}. "
        f"Open: until the first row stands there, median of {OPENINGS} (smallest to largest).\n\n"
        f"{_results.table(columns, rows)}\n\n"
        "Places of the map, in seconds of one processor, the first time; then they are cached.\n\n"
        f"{_results.table(['texts', 'principal components', 'and t-SNE, as the page has it'], maps())}\n",
    )


if __name__ == "__main__":
    main()
