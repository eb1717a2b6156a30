"""What the steps of one night share, read back from its record, and what a stage's result depends on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset

from tilth import stage as stages
from tilth import store
from tilth.config import load
from tilth.encoder import Encoder
from tilth.errors import DamagedFileError
from tilth.samples import Task
from tilth.store import Cache, Workspace

if TYPE_CHECKING:
    from tilth.evidence import Evidence
    from tilth.weak_supervision.loader import LoadedFunctions

log = logging.getLogger(__name__)

_SHARED = (
    "samples",
    "store",
    "stage.py",
    "config.py",
    "errors.py",
    "progress.py",
    "text.py",
    "hierarchy.py",
    "judge.py",
    "devices.py",
    "csv_rows.py",
    "encoder.py",
    "precision.py",
    "neighbors.py",
    "spreading.py",
    "calibration.py",
    "evidence.py",
)
"""What every stage may run beside its own package; a test holds this list to what the stages really import."""


class Context:
    """The folders, config, tasks and cache of the night that a record describes."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        root, config, data = (record["workspace"][name] for name in ("root", "config", "data"))
        self.workspace = Workspace(
            root=Path(root), config=Path(config) if config else None, data=Path(data), runs=Path(data) / "runs"
        )
        # The record's config and not the file's, which a person may have edited since the night began.
        self.settings = load(None, record["config"], stages.configs())
        self.tasks = tuple(Task.from_json(task) for task in record["tasks"])
        self.cache = Cache(self.workspace.cache)
        self._carried: Mapping[str, str] = record["carried"]["in"]

    @cached_property
    def encoder(self) -> Encoder:
        """The night's encoder."""
        return Encoder(self.settings.encoder, self.cache)

    def evidence(self, samples: Dataset) -> Evidence:
        """The shared evidence on one table."""
        from tilth.evidence import Evidence

        return Evidence(samples, encoder=self.encoder, cache=self.cache, folds=self.settings.folds)

    def functions(self, name: str) -> LoadedFunctions | None:
        """The workspace's labeling functions, for the stage that takes them."""
        if name != "weak_supervision":
            return None
        from tilth.weak_supervision import loader

        return loader.load(self.workspace.labeling_functions, self.tasks)

    def carried(self, name: str) -> Path | None:
        """What the stage's last night left for this one."""
        return self.workspace.state / self._carried[name] if name in self._carried else None

    def result_folder(self, name: str, before: Dataset, functions: LoadedFunctions | None) -> Path:
        """Where the result of a stage on a table stands, or would stand: named by all that the result depends on."""
        key = store.digest_json(
            [
                name,
                code_digest(name),
                store.library_versions(),
                store.digest_table(before),
                self.settings.stage(name).model_dump(mode="json"),
                stages.rests_on(name, self.settings.stage(name)),
                [self.settings.seed, self.settings.folds, self.encoder.fingerprint],
                [task.to_json() for task in self.tasks],
                functions.fingerprint if functions else "",
                self._carried.get(name),
            ]
        )
        return self.cache.folder("stages", key)


def kept(folder: Path) -> bool:
    """Whether a stage's result stands there that another night may take: nobody who was asked for it kept silent.

    A damaged one is computed again, and takes the place of this one.
    """
    if not (folder / "result.json").exists():
        return False
    try:
        store.read_table(folder / "table.parquet")
        return not store.read_json(folder / "result.json")["unheard"]
    except (DamagedFileError, FileNotFoundError, KeyError) as error:
        log.warning("%s: the stage is computed again", error)
        return False


def code_files(name: str) -> list[Path]:
    """The files of the package that a stage runs or reads."""
    root = Path(__file__).parents[1]
    files: list[Path] = []
    for part in (*_SHARED, name):
        found = sorted((root / part).rglob("*")) if (root / part).is_dir() else [root / part]
        files += [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return files


def code_digest(name: str) -> str:
    """Digest of the source that a stage runs."""
    return store.digest_code(*code_files(name))
