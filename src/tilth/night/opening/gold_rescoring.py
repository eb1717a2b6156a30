"""The last model's score on gold rows as people have corrected them, beside its score on them as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import TilthError
from tilth.learn import score
from tilth.samples import Split
from tilth.store import Run


def rescored(latest: Run | None, frame: pd.DataFrame, tasks: Sequence[str]) -> dict[str, Any] | None:
    """What the latest night's own answers to gold rows are worth by its labels of them and by tonight's.

    Args:
        latest: the latest promoted night.
        frame: tonight's rows.
        tasks: by name.

    Returns:
        `run`, `rows` (with the same id and text in both), and for each task macro-F1 `before` and `now`; None where
        that night trained no model, or its table is gone.
    """
    if latest is None:
        return None
    try:
        then = table.to_pandas(store.read_table(store.newest_table(latest.path)))
    except TilthError:
        return None
    known = [task for task in tasks if f"{task}_predicted" in then]
    gold = [part[part["split"].eq(Split.GOLD)].set_index(["id", "text"]) for part in (then, frame)]
    shared = gold[0].index.intersection(gold[1].index)
    if not known or not len(shared):
        return None
    old, new = gold[0].loc[shared], gold[1].loc[shared]
    record: dict[str, Any] = {"run": latest.path.name, "rows": len(shared), "tasks": {}}
    for task in known:
        answers = {task: old[f"{task}_predicted"].to_numpy(dtype=object)}
        before, now = (score({task: table.label_array(table.gold_labels(part, task))}, answers) for part in (old, new))
        record["tasks"][task] = {"before": _rounded(before), "now": _rounded(now)}
    return record


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
