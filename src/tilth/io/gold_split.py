"""Which rows are gold: those of a gold file, or a share that is locked away by a hash of the id."""

from __future__ import annotations

import pandas as pd

from tilth.config import DataConfig, Settings
from tilth.samples import Split
from tilth.text import unit_interval


def may_be_gold(frame: pd.DataFrame, data: DataConfig) -> pd.Series:
    """The rows that are gold, or that a hold-out would take: how they are labeled decides nothing of the others."""
    held = frame["split"].eq(Split.GOLD)
    return held if data.gold is not None else held | frame["id"].map(_place).lt(data.gold_fraction)


def _place(row_id: str) -> float:
    return unit_interval(f"gold:{row_id}")


def lock_gold(frame: pd.DataFrame, settings: Settings, held: pd.Series) -> None:
    """Without a gold file, lock a share of the last task's labeled rows away, by a hash of the id."""
    if settings.data.gold is not None or settings.data.gold_fraction == 0:
        return
    labels, place = frame[f"{settings.tasks[-1].name}_given"], frame["id"].map(_place)
    # Each row by itself, so that none changes sides as its class grows; but a class of few keeps one to learn from.
    frame.loc[labels.notna() & held & (place < place.groupby(labels).transform("max")), "split"] = Split.GOLD.value
