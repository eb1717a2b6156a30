"""A row that is forgotten takes its picture with it: the vector, and the bytes that the cache kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tilth.store import Cache, Vectors, Workspace
from tilth.store.removal.forgetting import find_everywhere, forget_caches


def test_a_forgotten_row_takes_its_picture_with_it(tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path, config=None, data=tmp_path / "data", runs=tmp_path / "data" / "runs")
    night = workspace.runs / "20260101-000000"
    night.mkdir(parents=True)
    digests = ["0" * 32, "1" * 32]
    table = {"id": ["a", "b"], "parent_id": [None, None], "text": ["one", "two"], "picture_digest": digests}
    pq.write_table(pa.table(table), night / "0-input.parquet")
    (night / "run.json").write_text("{}")
    cache = Cache(workspace.cache)
    Vectors(cache.folder("picture_embeddings", "2" * 32)).of(digests, lambda new: np.ones((len(new), 2)))
    kept = cache.folder("pictures", digests[0])
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"picture")
    forget_caches(workspace, find_everywhere(workspace, ["a"]), dry_run=False)
    assert len(Vectors(cache.folder("picture_embeddings", "2" * 32))) == 1
    assert not kept.exists()
