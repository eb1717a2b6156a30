"""A model of one night, which the tests of its folder only read or copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_table import make_table
from tests.unit.training.tiny_encoder import FROZEN, FolderEncoder, resources
from tilth import training


@pytest.fixture(scope="session")
def written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = make_table()
    own = resources(samples, FolderEncoder(folder), tmp_path_factory.mktemp("night"))
    return training.run(samples, FROZEN, own).artifacts["model"]
