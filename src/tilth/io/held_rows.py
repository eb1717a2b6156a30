"""Rows of earlier nights, which `[data] mode = "append"` adds to, and rows that were to be forgotten.

The held rows are taken from the input table of the newest run, so that what `tilth forget` removed stays removed, and
a night that failed loses no row. A row that comes again, by its id or, where rows have none, by its text, takes the
place of the one that was held. A run that was asked for other files (`--input`) is somebody's try and holds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth import store
from tilth.config import Settings
from tilth.io.columns import PICTURE_COLUMNS
from tilth.io.file_rows import LABELS
from tilth.io.labels import column_of
from tilth.notes import FILE, ROW, Notes
from tilth.samples import Source, Split, Status
from tilth.store import Workspace

INPUT_TABLE = "0-input.parquet"


def held_rows(
    workspace: Workspace | None, settings: Settings, parts: Sequence[pd.DataFrame], inputs: list[dict[str, Any]]
) -> list[pd.DataFrame]:
    """The rows of earlier nights that tonight's input does not hold, as one more part of it; none but with `append`.

    Args:
        workspace: whose rows; None: there are none.
        settings: which columns hold what.
        parts: what was read of tonight's input, without gold.
        inputs: what the run's record says of each input; these rows are put at its end.
    """
    if settings.data.mode != "append" or workspace is None or (path := _newest_table(workspace)) is None:
        return []
    table = store.read_table(path).to_pandas()
    if settings.data.gold is not None:
        table = table[table["split"].ne(Split.GOLD)]  # the gold file is read whole each night
    again = pd.Series(False, index=table.index)
    for part in parts:
        again |= table["id"].isin(part["id"].dropna()) | _content(table).isin(_content(part)[part["id"].isna()])
    held = table[~again].reset_index(drop=True)
    if held.empty:
        return []
    rows = _as_input(held, settings)
    digest = hashlib.sha256(rows.to_csv(index=False).encode("utf-8", "surrogatepass")).hexdigest()
    inputs.append({"path": f"rows of {path.parent.name}", "sha256": digest, "rows": len(rows), "split": "held"})
    rows[FILE], rows[ROW] = f"the rows of {path.parent.name}", np.arange(1, len(rows) + 1)
    return [rows]


def without_forgotten(frame: pd.DataFrame, workspace: Workspace | None, notes: Notes) -> pd.DataFrame:
    """The rows but those that somebody had tilth forget, and that the input still holds."""
    gone = store.tombstones(workspace.data) if workspace is not None else frozenset()
    if not gone:
        return frame
    mine = frame["id"].map(store.digest).isin(gone)
    rest = "was to be forgotten (tilth forget) and still stands in the input: left out; remove it there"
    notes.rows("forgotten_rows", frame, mine, "row", rest)
    return frame[~mine].reset_index(drop=True)


def _content(rows: pd.DataFrame) -> pd.Series:
    """What rows without an id are known by: the text, or, where there is none, the picture."""
    if "picture_digest" not in rows:
        return rows["text"]
    return rows["text"].where(rows["text"].ne("") | rows["picture_digest"].isna(), rows["picture_digest"])


def _newest_table(workspace: Workspace) -> Path | None:
    for run, record in reversed(store.records(workspace.runs)):
        if (run.path / INPUT_TABLE).exists() and "data.input" not in (record.get("overrides") or {}):
            return run.path / INPUT_TABLE
    return None


def _as_input(held: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The columns that came with the rows, as `file_rows.read` makes them of a file."""
    out = held[["id", "text", *(name for name in held if str(name).startswith("meta."))]].copy()
    for name in (name for name in PICTURE_COLUMNS if settings.data.image is not None and name in held):
        out[name] = held[name]
    out["split"], out["source"], out["parent_id"] = Split.TRAIN.value, Source.INPUT.value, None
    out["status"], out["reason"] = Status.ACTIVE.value, None
    known = [task for task in settings.tasks if f"{task.name}_given" in held]
    for task in settings.tasks:
        given = held[f"{task.name}_given"] if task in known else pd.Series(None, index=held.index)
        out[f"{task.name}_given"] = given.astype(object).where(given.notna(), None)
    out.attrs[LABELS] = [column_of(task) for task in known]
    return out
