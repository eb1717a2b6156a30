"""What the report shows of the queue."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.active_learning.learning_curve import Forecast
from tilth.active_learning.queue import Queue
from tilth.samples import Task
from tilth.stage import Figure


def figures(sheet: pd.DataFrame, queue: Queue, task: Task, expected: Forecast | None) -> tuple[Figure, ...]:
    """Who asks, what an answer is worth, which classes the rows seem to be of, and what further labels would bring."""
    return (
        _detectors(queue),
        _worth(queue),
        _classes(sheet, task),
        *([_curve(expected)] if expected else []),
    )


def _detectors(queue: Queue) -> Figure:
    lines = [[name, one["found"], one["asked"], one["beyond"]] for name, one in queue.counts.items() if one["found"]]
    return Figure(
        kind="table",
        title="Fix next: who asks",
        data={"columns": ["detector", "rows found", "in the queue", "beyond the budget"], "rows": lines},
        note=f"Of all these, the rows whose answer tells most rows right in a minute. {queue.not_worth} rows are worth "
        "nobody's time. Random rows show how often the detectors are right, and what they miss.",
    )


def _worth(queue: Queue) -> Figure:
    counts, edges = np.histogram(queue.rates[np.isfinite(queue.rates)], bins=20)
    return Figure(
        kind="histogram",
        title="What an answer is worth",
        data={"edges": edges.round(5).tolist(), "counts": counts.tolist()},
        note="Rows that a minute of a person's time is expected to tell right, by the rows that are like it.",
    )


def _classes(sheet: pd.DataFrame, task: Task) -> Figure:
    suggested = sheet[f"{task.name}_suggested"].dropna().value_counts(sort=False).sort_index()
    return Figure(
        kind="bar",
        title=f"Queue by suggested {task.name}",
        data={"labels": [str(label) for label in suggested.index], "values": [int(n) for n in suggested]},
        note="Which classes the rows of the queue seem to belong to.",
    )


def _curve(expected: Forecast) -> Figure:
    return Figure(
        kind="line",
        title="What further labels would bring",
        data={"x": list(expected.sizes), "y": list(expected.macro_f1)},
        note=f"Cross-validated macro-F1 by labels; {expected.sentence}. Rows that a strategy picks usually bring more.",
    )
