"""Cleaning alone, over rows that belong to no night: what `tilth audit` looks at."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tilth import samples as table
from tilth import store
from tilth.io import Ingested
from tilth.night.opening import Request, draft
from tilth.night.stages import Context, perform
from tilth.samples import Split, as_dataset
from tilth.store import Run
from tilth.text import unit_interval

if TYPE_CHECKING:
    from tilth.learn import Evidence

log = logging.getLogger(__name__)

NEAREST = 10
"""Rows that are shown for each one as evidence: those nearest to it."""


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What cleaning found.

    Attributes:
        frame: the table behind cleaning, gold rows included.
        nearest: for each task the nearest labeled rows of each labeled row, nearest first, as positions in the frame;
            int64, shape (rows, k), -1 where there is none. Gold rows take no part.
        entry: cleaning's entry, as `run.json` of a night would hold it.
    """

    frame: pd.DataFrame
    nearest: Mapping[str, np.ndarray]
    entry: dict[str, Any]


def audit(request: Request, ingested: Ingested) -> Audited:
    """Clean the rows, in a folder that is gone afterwards; what was computed stays in the workspace's cache.

    Raises:
        StageError: cleaning failed.
    """
    drafted = draft(request, ingested)
    record = drafted.record
    for sentence in drafted.warnings:  # what changed since the night before is of other rows
        log.warning("%s", sentence)
    cache = request.workspace.cache
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=store.unfinished_prefix(), dir=cache) as folder:
        run = Run.create(Path(folder), record)
        store.write_table(run.path / "0-input.parquet", ingested.samples)
        entry = perform(run, "cleaning")
        samples = store.read_table(store.newest_table(run.path))
    frame = table.to_pandas(samples)
    evidence = Context(record).evidence(samples)
    nearest = {task.name: _nearest_labeled(frame, task.name, evidence) for task in ingested.tasks}
    return Audited(frame=frame, nearest=nearest, entry=entry)


def _nearest_labeled(frame: pd.DataFrame, task: str, evidence: Evidence) -> np.ndarray:
    """See `Audited.nearest`."""
    rows = np.flatnonzero(frame["split"].ne(Split.GOLD) & frame[f"{task}_given"].notna())
    near = evidence.neighbors(NEAREST, rows).rows
    nearest = np.full((len(frame), near.shape[1]), -1, dtype=np.int64)
    nearest[rows] = rows[near]
    return nearest


def sampled(ingested: Ingested, rows: int) -> tuple[Ingested, np.ndarray]:
    """A part of the input's rows, drawn by a hash of the id, in their order, with all gold rows.

    Returns:
        The part, and the positions of its rows in the whole, ascending.
    """
    samples = ingested.samples
    gold = np.array([split == Split.GOLD for split in samples["split"][:]], dtype=bool)
    draw = np.array([unit_interval(f"audit:{row}") for row in samples["id"][:]])
    free = np.flatnonzero(~gold)
    chosen = np.sort(np.concatenate([free[np.argsort(draw[free], kind="stable")[:rows]], np.flatnonzero(gold)]))
    part = as_dataset(samples.data.table.take(pa.array(chosen)))
    return replace(ingested, samples=part), chosen
