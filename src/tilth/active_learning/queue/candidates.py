"""What every source of the queue knows, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.samples import Source, Split, Status, Task
from tilth.stage import Question


@dataclass(frozen=True, kw_only=True)
class QueueInputs:
    """What every source knows.

    Attributes:
        frame: the table.
        tasks: what is classified, parents before children.
        task: the finest of them, which a label is asked for where none is in force.
        pool: places of the rows without a sure label of that task, which a strategy may pick from.
        probabilities: what the model says of them, shape (pool, labels), columns in `task.labels` order; uniform where
            there are no labels to learn from.
        picks: places, within the pool, of the strategy's picks, best first.
        questions: what the last night left.
        learned: whether there were labels to learn from.
        only: names of the sources that may ask; none = all.
    """

    frame: pd.DataFrame
    tasks: Sequence[Task]
    task: Task
    pool: np.ndarray
    probabilities: np.ndarray
    picks: np.ndarray
    questions: Sequence[Question]
    learned: bool
    only: Sequence[str] = ()

    @cached_property
    def eligible(self) -> np.ndarray:
        """Rows of the input that a person may be asked about: active (no junk), and not gold; shape (rows,)."""
        return askable(self.frame)

    def open(self, task: Task) -> np.ndarray:
        """The eligible rows that no person has answered for a task, boolean, shape (rows,)."""
        return np.asarray(self.eligible & unanswered(self.frame, task))

    def flags(self, name: str) -> np.ndarray:
        """A boolean column, false where it is missing or null, shape (rows,)."""
        if name not in self.frame:
            return np.zeros(len(self.frame), dtype=bool)
        return np.asarray(self.frame[name].eq(True).to_numpy(dtype=bool))

    def numbers(self, name: str, missing: float) -> np.ndarray:
        """A column of numbers, with a value for what is missing, shape (rows,)."""
        if name not in self.frame:
            return np.full(len(self.frame), missing)
        return np.asarray(self.frame[name].astype(float).fillna(missing).to_numpy(dtype=float))

    def words(self, name: str) -> np.ndarray:
        """A column of words, None for what is missing, shape (rows,)."""
        if name not in self.frame:
            return np.full(len(self.frame), None, dtype=object)
        values = self.frame[name].astype(object)
        return np.asarray(values.where(values.notna(), None).to_numpy(dtype=object))


def askable(frame: pd.DataFrame) -> np.ndarray:
    """Active rows of the input that are not gold, and that somebody can answer, boolean, shape (rows,)."""
    mask = frame["status"].eq(Status.ACTIVE) & frame["split"].ne(Split.GOLD) & frame["source"].ne(Source.PARAPHRASE)
    if "nobody_to_ask" in frame:  # everybody who answers said that it is unclear
        mask &= ~frame["nobody_to_ask"].eq(True)
    return np.asarray(mask.to_numpy(dtype=bool))


def unanswered(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Rows that no person has answered for a task, be it by "none of these", boolean, shape (rows,)."""
    mask = np.ones(len(frame), dtype=bool)
    if f"{task.name}_answer" in frame:
        mask &= frame[f"{task.name}_answer"].isna().to_numpy(dtype=bool)
    if f"{task.name}_none" in frame:
        mask &= ~frame[f"{task.name}_none"].eq(True).to_numpy(dtype=bool)
    return mask


def without_sure_label(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Rows without a label in force for a task, or with one that a person should look at, boolean, shape (rows,)."""
    return np.asarray(frame[task.name].isna().to_numpy(dtype=bool) | table.unsure(frame, task.name))


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """The rows that one source would ask about.

    Attributes:
        rows: their places in the table, shape (doubts,).
        doubt: probability that what stands there now is wrong, shape (doubts,).
        reason: why a row is asked, in plain words, by its place among `rows`.
        task: the name of the task in doubt; None for a doubt about the text.
        believed: the label that tilth believes, None where it believes none, shape (doubts,).
        seconds: what an answer takes beyond reading; None takes what the source was registered with.
        ordered: the source's own order is kept: the first of its rows gets the largest of their gains.
        besides: rows that an answer sets right beside those that are like its own, for it says how far the same doubt
            is to be trusted elsewhere; one number for all, or shape (doubts,).
        first: the rows come before all others, whatever their gain: an answer was given, and is owed.
    """

    rows: np.ndarray
    doubt: np.ndarray
    reason: Callable[[int], str]
    task: str | None
    believed: np.ndarray
    seconds: np.ndarray | None = None
    ordered: bool = False
    besides: float | np.ndarray = 0.0
    first: bool = False
