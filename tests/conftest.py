"""What many tests need: a small table, and an encoder that costs nothing."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when the library loads: see tilth/__init__.py
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are as many as the cores

from tests.browser import CHROMIUM
from tilth import samples as table
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache, files
from tilth.text import digest, normal_form

gc.disable()  # until all tests are collected: a third of the time would go into looking for garbage in what stays

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker more than there are cores, at most four: who waits for a server or a process leaves its core idle."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # as xdist itself goes by it
    from xdist import plugin

    return min(plugin.pytest_xdist_auto_num_workers(config) + 1, 4)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """What a file is synced for, a loss of power, no test can see; the nights of the command line sync all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_sync", lambda path: None)
        yield


class HashingEncoder:
    """Bags of hashed words: texts that share words are near, and nothing is loaded."""

    fingerprint = "hashing-64"
    dimensions = 64

    def encode(self, texts: Sequence[str], progress: Any = None) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in normal_form(text).split() or [""]:
                vectors[row, int(digest(word)[:8], 16) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        return sum(len(normal_form(text).split()) for text in texts), 0


TASKS = (
    Task(name="area", labels=("billing", "network")),
    Task(
        name="intent",
        labels=("refund", "slow", "outage"),
        parent="area",
        parent_of={"refund": "billing", "slow": "network", "outage": "network"},
    ),
)

ROWS = [
    ("a1", "where is the refund that you promised me", "train", "billing", "refund"),
    ("a2", "my refund has not come back to the bank", "train", "billing", "refund"),
    ("a3", "refund still missing after two weeks", "train", "billing", "refund"),
    ("b1", "the internet is very slow in the evening", "train", "network", "slow"),
    ("b2", "slow internet and buffering again tonight", "train", "network", "slow"),
    ("b3", "why is my internet so slow at night", "train", "network", "slow"),
    ("c1", "no internet at all, the light is red", "train", "network", "outage"),
    ("c2", "red light on the box and no connection", "train", "network", "outage"),
    ("u1", "the refund is late and I am cross", "unlabeled", None, None),
    ("u2", "red light again", "unlabeled", None, None),
    ("g1", "has the refund been sent", "gold", "billing", "refund"),
    ("g2", "everything loads so slow", "gold", "network", "slow"),
]


def make_table(rows: Sequence[tuple[Any, ...]] = tuple(ROWS), tasks: Sequence[Task] = TASKS) -> Dataset:
    frame = pd.DataFrame(rows, columns=["id", "text", "split", "area_given", "intent_given"])
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    return table.from_pandas(table.resolve(frame, tasks), tasks)


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    return TASKS


@pytest.fixture
def samples() -> Dataset:
    return make_table()


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def evidence(samples: Dataset, encoder: HashingEncoder, tmp_path: Path) -> Evidence:
    return Evidence(samples, encoder=encoder, cache=Cache(tmp_path / "cache"))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory, empty again at the end."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]
