"""The real command line in small workspaces: what the tests of whole nights share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from safetensors import safe_open

from tilth.cli import main
from tilth.store.files import TEMPORARY

SCRIPT = Path(sys.executable).parent / "tilth"
STAGES = ["cleaning", "weak_supervision", "augmentation", "active_learning", "training"]
ROWS, GOLD = 200, 60
PATIENCE = float(os.environ.get("TILTH_TEST_PATIENCE", "1"))
"""By how much longer than on two idle cores to wait for anything."""

# Every stage does its job with its real library, on little.
QUICK = """
[augmentation]
sources = 12
candidates = 2
when = "always"
max_heldout_loss = 9.0

[augmentation.adapt]
steps = 5

[training]
mode = "probe"
"""


@dataclass(frozen=True)
class Workspace:
    """A folder that `tilth init` made, and the command line in it."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def runs(self) -> list[Path]:
        return sorted(path.parent for path in self.data.glob("runs/*/run.json") if not path.parent.is_symlink())

    @property
    def environment(self) -> dict[str, str]:
        """A user's environment: nothing of this test session but what keeps it off the network."""
        left_out = ("PREFECT", "PYTHONDONT", "TQDM")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        return {**kept, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(self.root / ".cache"), **self.settings}

    def __call__(self, *arguments: str, timeout: float = 240, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `tilth …` here and wait for it."""
        return subprocess.run(
            [str(SCRIPT), *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout * PATIENCE,
            check=False,
            **options,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `tilth …` here as a terminal does, in a process group of its own."""
        return subprocess.Popen(
            [str(SCRIPT), *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            # A shell starts what runs in the background with Ctrl-C ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )

    def record(self, run: Path | None = None) -> dict[str, Any]:
        """The record of a run, by default the newest."""
        found: dict[str, Any] = json.loads(((run or self.runs[-1]) / "run.json").read_text(encoding="utf-8"))
        return found

    def copy(self, target: Path, *, settings: dict[str, str] | None = None, warm: bool = True) -> Workspace:
        """A fresh workspace with the same files, and with the same cache where it is to be warm."""
        leave = ["runs", "prefect", "state", ".lock", *([] if warm else ["cache"])]
        shutil.copytree(self.root, target, ignore=shutil.ignore_patterns(*leave))
        return Workspace(target, settings or {})

    def tree(self) -> dict[str, tuple[int, int]]:
        """All that lies in the workspace, with size and time of change."""
        found = {path: path.lstat() for path in self.root.rglob("*")}
        return {str(path.relative_to(self.root)): (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}

    def processes(self) -> list[str]:
        """Living processes that were started for this workspace, by the folder in their command or environment."""
        listed = subprocess.run(["ps", "axeww", "-o", "command="], capture_output=True, text=True, check=True).stdout
        return [line[:200] for line in listed.splitlines() if str(self.root) in line]


def new_workspace(root: Path, **settings: str) -> Workspace:
    """A small one: the demo, cut short."""
    assert main(["init", str(root)]) == 0
    for name, rows in (("inbox.csv", ROWS), ("gold.csv", GOLD)):
        path = root / "data/raw" / name
        pd.read_csv(path, dtype=str, keep_default_na=False).head(rows).to_csv(path, index=False)
    config = root / "tilth.toml"
    own, _, _ = config.read_text(encoding="utf-8").partition("[augmentation]")  # the demo's last table
    config.write_text(own + QUICK, encoding="utf-8")
    return Workspace(root, settings)


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something to become true, and fail with its name where it does not."""
    deadline = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s: {what}")


def unfinished(folder: Path) -> list[Path]:
    """What is marked as unfinished below a folder."""
    return list(folder.rglob(f"{TEMPORARY}*"))


def open_everything(folder: Path) -> int:
    """Open every file under a final name below a folder, so that half a file fails; returns how many there were."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".parquet": pq.read_table,
        ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
        ".csv": pd.read_csv,
        ".safetensors": lambda path: safe_open(path, framework="numpy").keys(),
    }
    files = [path for path in folder.rglob("*") if path.is_file() and TEMPORARY not in str(path)]
    for path in files:
        readers.get(path.suffix, Path.read_bytes)(path)
    return len(files)
