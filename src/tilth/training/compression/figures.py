"""What the report shows of a contract: the front of the search, what was made in full, and the rows that flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Task
from tilth.stage import Figure
from tilth.training.compression.compressor import Compressed

_ROWS = 100
"""Flipped rows that are shown."""


def contract_figures(compressed: Compressed) -> list[Figure]:
    """The pictures of a contract's search; none where nothing was tried."""
    facts = compressed.facts
    tried: Sequence[Mapping[str, Any]] = facts.get("tried", ())
    if not tried:
        return []
    why = "; ".join(str(facts[key]) for key in ("why", "slower_here", "uncertain") if key in facts)
    found = [_tried(tried, str(facts["answer"]), why)]
    if len(compressed.front) > 1:
        found.append(_front(compressed))
    return found


def flipped_rows(
    task: Task, texts: Sequence[str], truth: Sequence[str | None], full: np.ndarray, smaller: np.ndarray, measured: str
) -> list[Figure]:
    """The rows that the exported model answers otherwise than the full one, by class, with their texts.

    Args:
        task: whose answers they are.
        texts: of the rows.
        truth: their labels, None where a row has none.
        full: the full model's codes, shape (rows,).
        smaller: the exported model's.
        measured: which rows these are, for the title.
    """
    places = np.flatnonzero(full != smaller).tolist()
    if not places:
        return []

    def label(codes: np.ndarray, place: int) -> str:
        return str(task.labels[codes[place]]) if codes[place] >= 0 else "(none)"

    known = ["" if pd.isna(label) else str(label) for label in truth]  # a column of texts holds NaN where it has none
    rows = sorted([known[place], label(full, place), label(smaller, place), texts[place]] for place in places)
    title = f"{task.name}: {len(rows)} of {len(texts)} answers that flipped by compression ({measured})"
    data = {"columns": ["label", "full model", "exported model", "text"], "rows": rows[:_ROWS]}
    return [Figure(kind="table", title=title, data=data)]


def _tried(tried: Sequence[Mapping[str, Any]], answer: str, why: str) -> Figure:
    rows = [
        [
            one["in_words"],
            one["size_mb"],
            one["points_lost"],
            "{} to {}".format(*one["points_lost_interval"]),
            one["measured_rows"],
            "" if one["points_lost_worst_class"] is None else one["points_lost_worst_class"],
            sum(one["flipped"].values()),
            "; ".join(one["misses"]) or "met",
        ]
        for one in tried
    ]
    columns = ["model", "MB", "points lost", "95%", "of rows", "in the worst class", "flipped rows", "contract"]
    note = (
        f"The contract is {answer}{f': {why}' if why else ''}. Points are of 100 of F1 on held-out train rows, each of "
        "them read as if the vocabulary had been cut without it."
    )
    return Figure(kind="table", title="Smaller models", data={"columns": columns, "rows": rows}, note=note)


def _front(compressed: Compressed) -> Figure:
    data = {
        "x": [round(one.megabytes, 3) for one in compressed.front],
        "y": [round(one.agreement, 4) for one in compressed.front],
    }
    note = (
        "Shapes that no other one beats in size, speed and agreement, by size in MB: the share of texts on which the "
        "shape leads to the full model's answer before it is taught anything."
    )
    return Figure(kind="line", title="Front of the search for a smaller model", data=data, note=note)
