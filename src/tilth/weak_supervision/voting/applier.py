"""Apply labeling functions to rows: a bare loop, in which a failing function harms nobody but itself."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.errors import did_you_mean
from tilth.samples import Task
from tilth.weak_supervision.functions import LoadedFunction, examples_of
from tilth.weak_supervision.voting.data_points import Row, RowSimilarities, build_rows, with_own_mutables

ABSTAIN = -1
FAILED = -2
_BLOCK = 1024
_USUAL = {str, int, type(None)}
_REPEATED, _REPEAT_SECONDS = 100, 1.0
"""Rows that a function is applied to a second time, and for how long at most."""


class UnknownLabelError(ValueError):
    """A labeling function returned something that is no class of its task."""


@dataclass(frozen=True, kw_only=True)
class FunctionVotes:
    """One function's votes on some rows.

    Attributes:
        votes: int16, shape (rows,): the label's place in the task, -1 where it abstains, -2 where it raised.
        error: what it raised last, "" where it never did.
        repeated: rows that it was applied to a second time.
        changed: of those, the ones on which the second vote was another.
    """

    votes: np.ndarray
    error: str = ""
    repeated: int = 0
    changed: int = 0


@dataclass
class _Errors:
    """What went wrong on rows whose votes were looked at one by one."""

    raised: str = ""
    unknown: str = ""
    first: str = ""
    count: int = 0


def vote(function: LoadedFunction, task: Task, rows: Sequence[Row]) -> FunctionVotes:
    """One function's votes on rows; where it raises, the row goes without.

    Raises:
        UnknownLabelError: it returned what is no class.
    """
    codes: dict[Any, int] = {None: ABSTAIN, ABSTAIN: ABSTAIN, **{label: code for code, label in enumerate(task.labels)}}
    # A function may know a class by the name, or the place, that it had before.
    codes |= {name: codes.get(label, ABSTAIN) for name, label in task.former.items()}
    if task.fixed:
        codes |= dict(enumerate(task.places or range(len(task.labels))))
    call, points = _callable(function.function), with_own_mutables(rows)
    votes, errors = np.empty(len(points), dtype=np.int16), _Errors()
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        try:
            answers = list(map(call, block))
            if not set(map(type, answers)) <= _USUAL:
                raise TypeError  # -1.0 and False are keys of the dictionary too
            block_votes = np.fromiter(map(codes.__getitem__, answers), dtype=np.int16, count=len(block))
        except KeyboardInterrupt:
            raise
        except BaseException:
            block_votes = _one_by_one(call, block, codes, task, errors)
        votes[start : start + len(block)] = block_votes
    if errors.unknown:
        raise UnknownLabelError(f'{errors.unknown} (on {errors.count} of {len(points)} rows, first "{errors.first}")')
    return FunctionVotes(votes=votes, error=errors.raised)


def _one_by_one(
    call: Callable[[Row], Any], rows: Sequence[Row], codes: Mapping[Any, int], task: Task, errors: _Errors
) -> np.ndarray:
    """The votes on a block in which something went wrong, row by row, to find the rows that it went wrong on."""
    votes = np.full(len(rows), FAILED, dtype=np.int16)
    for position, row in enumerate(rows):
        try:
            answer = call(row)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # `sys.exit()` too is an accident here
            errors.raised = _where(raised)
            continue
        try:
            votes[position] = _code(answer, codes, task)
        except UnknownLabelError as error:
            errors.unknown, errors.first = (
                errors.unknown or str(error),
                errors.first or _cut(" ".join(row.text.split())),
            )
            errors.count += 1
    return votes


def _where(raised: BaseException) -> str:
    """What was raised, and, where one of Snorkel's preprocessors raised it before the function was called, in which."""
    from snorkel.map.core import BaseMapper

    what = f"{type(raised).__name__}: {raised}"
    owners = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(raised.__traceback__)]
    names = [one.name for one in owners if isinstance(one, BaseMapper)]
    return f"in preprocessor {names[-1]}: {what}" if names else what


def vote_again(function: LoadedFunction, task: Task, rows: Sequence[Row], votes: np.ndarray) -> tuple[int, int]:
    """Apply a function a second time to some of the rows, first those that it voted on.

    Returns:
        How many those are, and on how many of them the second vote is another.
    """
    places = [*np.flatnonzero(votes >= 0)[:_REPEATED], *np.flatnonzero(votes < 0)[:_REPEATED]][:_REPEATED]
    end, done, size, changed = time.monotonic() + _REPEAT_SECONDS, 0, 1, 0
    while done < len(places) and time.monotonic() < end:  # ever more at a time, so that a slow one gets few
        some = places[done : done + size]
        try:
            again = vote(function, task, [rows[place] for place in some]).votes
        except UnknownLabelError:
            again = np.full(len(some), FAILED, dtype=np.int16)
        changed += int((again != votes[some]).sum())
        done, size = done + len(some), 2 * size
    return done, changed


def _callable(function: Any) -> Callable[[Row], Any]:
    """The plain function inside Snorkel's object, where nothing has to happen around it: half the time a call."""
    if getattr(function, "_pre", True) or type(function).__name__ != "LabelingFunction":
        return function
    return functools.partial(function._f, **function._resources) if function._resources else function._f


def _code(answer: Any, codes: Mapping[Any, int], task: Task) -> int:
    if answer is None:
        return ABSTAIN
    whole = isinstance(answer, int | np.integer) and not isinstance(answer, bool)
    if (whole or isinstance(answer, str)) and answer in codes:  # of a subclass, such as numpy's
        return codes[answer]
    advice = "return the label's name, or None to abstain"
    if whole:
        advice += f"; a place from 0 to {len(task.labels) - 1} serves only where the config fixes the labels"
    hint = did_you_mean(answer, task.labels) if isinstance(answer, str) else advice
    raise UnknownLabelError(f"returned {_cut(repr(answer))}, which is no class; {hint}")


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


def example_rows(function: LoadedFunction, encode: Callable[[list[str]], np.ndarray]) -> list[Row]:
    """The texts of the function's examples as rows: first those that it must vote on."""
    examples = examples_of(function.function)
    texts = [*examples.hits, *examples.misses]
    if not texts:  # as most functions; an empty frame takes longer than a hundred rows do
        return []
    return build_rows(pd.DataFrame({"text": texts}), RowSimilarities(lambda: encode(texts), encode))


def check_examples(function: LoadedFunction, task: Task, rows: Sequence[Row]) -> str | None:
    """Why the examples do not hold on the rows that `example_rows` gives, or None where they do."""
    hits = len(examples_of(function.function).hits)
    for position, row in enumerate(rows):
        try:
            result = vote(function, task, [row])
        except UnknownLabelError as error:
            return f'on its example "{row.text}" it {error}'
        if result.error:
            return f'raises on its example "{row.text}": {result.error}'
        if (result.votes[0] != ABSTAIN) != (position < hits):
            return f'{"abstains" if position < hits else "votes"} on its example "{row.text}"'
    return None


def count_failures(votes: FunctionVotes, max_failures: float) -> tuple[np.ndarray, int]:
    """The votes with -1 where the function raised, and on how many rows it did.

    Raises:
        ValueError: on too large a share of the rows.
    """
    failed = votes.votes == FAILED
    if failed.sum() > max_failures * len(failed):
        raise ValueError(f"raised on {failed.sum()} of {len(failed)} rows, last {votes.error}")
    return np.where(failed, ABSTAIN, votes.votes).astype(np.int16), int(failed.sum())
