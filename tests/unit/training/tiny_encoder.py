"""An encoder of one layer, what a stage is handed with it, and quick configs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.small_table import TASKS
from tilth import stage
from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache
from tilth.training.inputs.config import Config

FROZEN = Config(mode="probe", agreement=0.5)
TUNED = Config(mode="full", steps=24, passes=20, batch_size=4, learning_rate=1e-3, agreement=0.0, evaluations=1)


class FolderEncoder:
    dimensions, fingerprint = 32, "tiny"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def encode(self, texts: Any, progress: Any = None) -> np.ndarray:
        return encode_with_trunk(Trunk(self.folder).eval(), self.folder, list(texts), 64, 64)


def resources(samples: Any, encoder: Any, tmp_path: Path, tasks: tuple[Task, ...] = TASKS) -> stage.Resources:
    (tmp_path / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=encoder, cache=Cache(tmp_path / "cache"))
    return stage.Resources(tasks=tasks, seed=0, evidence=evidence, scratch=tmp_path / "scratch")
