"""What the steps of a night take over of earlier fits, and hand on; see `tilth.store.Fits` and docs/nights.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tilth import store
from tilth.store import FITS, Fits, Run, Workspace

LEDGER = ".ledger"
"""Ends the name of a stage, or of `gold`, whose measurement in the ledger is carried."""

MAP = "map"
"""Names the places of the texts in the report's map, which are carried too."""


def hand_on(run: Run, name: str, fits: Fits, workspace: Workspace) -> None:
    """Keep what a step fitted for the next night, and enter its digest in the record."""
    workspace.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=store.unfinished_prefix(), dir=workspace.cache, ignore_cleanup_errors=True
    ) as scratch:
        folder = Path(scratch) / "fits"
        if fits.write(folder):
            digest = store.state_digest(folder)
            store.keep_state(folder, workspace.state, digest)
            enter(run, "out", name, digest)


def enter(run: Run, side: str, name: str, digest: str) -> None:
    """Enter fits into the record, as what the night started from (`in`) or what it left (`out`)."""
    carried = run.record["carried"]
    run.update(carried={**carried, side: {**carried[side], f"{name}{FITS}": digest}})
