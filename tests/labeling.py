"""One labeling function's examples and votes, in this process, as the stage has them in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tilth.samples import Task
from tilth.weak_supervision.functions.loader import LoadedFunction
from tilth.weak_supervision.voting.applier import check_examples, count_failures, example_rows, vote
from tilth.weak_supervision.voting.data_points import Row


def failed_examples(function: LoadedFunction, task: Task, encode: Callable[[list[str]], np.ndarray]) -> str | None:
    """Why the function's own examples do not hold, or None where they all do."""
    return check_examples(function, task, example_rows(function, encode))


def apply_function(
    function: LoadedFunction, task: Task, rows: Sequence[Row], max_failures: float
) -> tuple[np.ndarray, int]:
    """The function's votes on all rows, and on how many it raised."""
    return count_failures(vote(function, task, rows), max_failures)
