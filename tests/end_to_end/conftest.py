"""One whole night, which many tests look at, and a Prefect server for the nights that need not start their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.command_line import Workspace, new_workspace
from tilth.store import read_json, write_json


@dataclass(frozen=True)
class Night:
    workspace: Workspace
    done: subprocess.CompletedProcess[str]
    run: Path
    record: dict[str, Any]


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The whole night, one for all workers of a parallel run: no test may change what it left."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "first"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done.json").exists():
            done = new_workspace(folder / "workspace")("run")
            assert done.returncode == 0, done.stderr
            write_json(folder / "done.json", [done.args, done.returncode, done.stdout, done.stderr])
    workspace = Workspace(folder / "workspace")
    finished = subprocess.CompletedProcess(*read_json(folder / "done.json"))
    return Night(workspace, finished, workspace.runs[-1], workspace.record())


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of nights under one configured server, which saves each of them the start of its own."""
    flows = Path(__file__).parents[2] / "flows"
    home = tmp_path_factory.mktemp("prefect")
    code = (
        f"import sys; sys.path.insert(0, {str(flows)!r}); import server; from pathlib import Path\n"
        f"with server.running(Path({str(home)!r})) as url: print(url, flush=True); sys.stdin.read()"
    )
    environment, pipe = Workspace(home).environment, subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    yield {"PREFECT_API_URL": process.stdout.readline().strip()}
    process.stdin.close()
    process.wait(timeout=60)


@pytest.fixture
def warm(night: Night, served: dict[str, str], tmp_path: Path) -> Workspace:
    """A fresh copy of the night's workspace that has its cache, under the shared server."""
    return night.workspace.copy(tmp_path / "workspace", settings=served)
