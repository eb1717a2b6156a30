"""What many tests need: a small table, and an encoder that costs nothing.

pytest-xdist starts no worker before its own process has read this file: what takes long to import waits for a test.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when the library loads: see tilth/__init__.py
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are more than the cores

from tests.browser import CHROMIUM

gc.disable()  # until all tests are collected: a third of the time would go into looking for garbage in what stays

if TYPE_CHECKING:
    from datasets import Dataset
    from playwright.sync_api import Browser

    from tests.small_table import HashingEncoder
    from tilth.learn.shared_features import Evidence
    from tilth.samples import Task


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker more than there are cores, at most four: who waits for a server or a process leaves its core idle."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # as xdist itself goes by it
    from xdist import plugin

    return min(plugin.pytest_xdist_auto_num_workers(config) + 1, 4)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--start-before",
        type=float,
        metavar="SECONDS",
        help="since 1970: no test marked slow starts later, those that do not are named with -rs --no-fold-skipped",
    )


@pytest.hookimpl(tryfirst=True)  # before a fixture runs a night
def pytest_runtest_setup(item: pytest.Item) -> None:
    last = item.config.getoption("--start-before")
    if last is not None and time.time() > last and item.get_closest_marker("slow"):
        pytest.skip("no time was left for it: make test-all runs it")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """What a file is synced for, a loss of power, no test can see; the nights of the command line sync all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilth.store.files._sync", lambda path: None)
        yield


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    from tests.small_table import TASKS

    return TASKS


@pytest.fixture
def samples() -> Dataset:
    from tests.small_table import make_table

    return make_table()


@pytest.fixture
def encoder() -> HashingEncoder:
    from tests.small_table import HashingEncoder

    return HashingEncoder()


@pytest.fixture
def evidence(samples: Dataset, encoder: HashingEncoder, tmp_path: Path) -> Evidence:
    from tilth.learn.shared_features import Evidence
    from tilth.store import Cache

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
    import fsspec

    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]
