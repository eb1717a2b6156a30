"""What a function has yet to do in a night, and what has come of it so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tilth.samples import Task
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.isolation import Outcome
from tilth.weak_supervision.voting.applier import FunctionVotes, example_rows
from tilth.weak_supervision.voting.data_points import RowSimilarities

Encode = Callable[[list[str]], np.ndarray]


class VotingJob:
    """One function, its examples, and the rows that it has yet to vote on.

    Attributes:
        function: the function.
        task: of its labels.
        rows: positions in the frame, int64.
        examples: its examples as rows.
    """

    def __init__(self, function: LoadedFunction, task: Task, rows: np.ndarray, encode: Encode) -> None:
        self.function, self.task, self.rows = function, task, rows
        self.examples = example_rows(function, encode) if len(rows) else []

    @property
    def example_similarities(self) -> RowSimilarities | None:
        """What `x.similar_to` of the examples uses."""
        return self.examples[0]._vectors if self.examples else None


@dataclass
class Tally:
    """One function's results on the blocks so far."""

    votes: list[np.ndarray] = field(default_factory=list)
    error: str = ""
    raised: str = ""
    printed: str = ""
    seconds: float = 0.0
    repeated: int = 0
    changed: int = 0

    def add(self, outcome: Outcome) -> None:
        """Take in the outcome of one more step."""
        self.seconds += outcome.seconds
        self.printed = self.printed or outcome.printed
        self.error = outcome.error
        if isinstance(outcome.value, FunctionVotes):
            self.votes.append(outcome.value.votes)
            self.raised = outcome.value.error or self.raised
