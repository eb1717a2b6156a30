"""One whole night, which many tests look at."""

from __future__ import annotations

import os
import subprocess
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


@pytest.fixture
def warm(night: Night, tmp_path: Path) -> Workspace:
    """A fresh copy of the night's workspace that has its cache."""
    return night.workspace.copy(tmp_path / "workspace")
