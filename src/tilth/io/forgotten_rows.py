"""Rows that somebody had tilth forget, and that the input still holds."""

from __future__ import annotations

import pandas as pd

from tilth.notes import Notes
from tilth.store import Workspace, digest, tombstones


def without_forgotten(frame: pd.DataFrame, workspace: Workspace | None, notes: Notes) -> pd.DataFrame:
    """The rows but those that somebody had tilth forget, and that the input still holds."""
    gone = tombstones(workspace.data) if workspace is not None else frozenset()
    if not gone:
        return frame
    mine = frame["id"].map(digest).isin(gone)
    rest = "was to be forgotten (tilth forget) and still stands in the input: left out; remove it there"
    notes.rows("forgotten_rows", frame, mine, "row", rest)
    return frame[~mine].reset_index(drop=True)
