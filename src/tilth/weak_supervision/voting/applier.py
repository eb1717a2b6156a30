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
from tilth.weak_supervision.voting.data_points import Row, Vectors, apart, rows_of

__all__ = ["ABSTAIN", "FAILED", "Cast", "Row", "UnknownLabelError", "Vectors", "apply", "cast", "recast", "rows_of"]

ABSTAIN = -1
FAILED = -2
_BLOCK = 1024
_USUAL = {str, int, type(None)}
_TWICE, _TWICE_SECONDS = 100, 1.0
"""Rows that a function is asked about a second time, and for how long at most."""


class UnknownLabelError(ValueError):
    """A labeling function returned something that is no class of its task."""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """One function's votes on some rows.

    Attributes:
        votes: int16, shape (rows,): the label's place in the task, -1 where it abstains, -2 where it raised.
        error: what it raised last, "" where it never did.
        twice: rows on which it was asked a second time.
        changed: of those, the ones on which it then answered otherwise.
    """

    votes: np.ndarray
    error: str = ""
    twice: int = 0
    changed: int = 0


@dataclass
class _Odd:
    """What came of the rows whose votes were looked at one by one."""

    raised: str = ""
    unknown: str = ""
    first: str = ""
    count: int = 0


def cast(function: LoadedFunction, task: Task, rows: Sequence[Row]) -> Cast:
    """One function's votes on rows; where it raises, the row goes without.

    Raises:
        UnknownLabelError: it returned what is no class.
    """
    codes: dict[Any, int] = {None: ABSTAIN, ABSTAIN: ABSTAIN, **{label: code for code, label in enumerate(task.labels)}}
    if task.fixed:
        codes |= {code: code for code in range(len(task.labels))}
    call, own = _callable(function.function), apart(rows)
    found, odd = np.empty(len(own), dtype=np.int16), _Odd()
    for start in range(0, len(own), _BLOCK):
        block = own[start : start + _BLOCK]
        try:
            answers = list(map(call, block))
            if not set(map(type, answers)) <= _USUAL:
                raise TypeError  # -1.0 and False are keys of the dictionary too
            votes = np.fromiter(map(codes.__getitem__, answers), dtype=np.int16, count=len(block))
        except KeyboardInterrupt:
            raise
        except BaseException:
            votes = _one_by_one(call, block, codes, task, odd)
        found[start : start + len(block)] = votes
    if odd.unknown:
        raise UnknownLabelError(f'{odd.unknown} (on {odd.count} of {len(own)} rows, first "{odd.first}")')
    return Cast(votes=found, error=odd.raised)


def _one_by_one(
    call: Callable[[Row], Any], rows: Sequence[Row], codes: Mapping[Any, int], task: Task, odd: _Odd
) -> np.ndarray:
    """A block in which something is amiss, again, to find the rows that are to blame."""
    found = np.full(len(rows), FAILED, dtype=np.int16)
    for position, row in enumerate(rows):
        try:
            answer = call(row)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # `sys.exit()` too is an accident here
            odd.raised = _where(raised)
            continue
        try:
            found[position] = _code(answer, codes, task)
        except UnknownLabelError as error:
            odd.unknown, odd.first = odd.unknown or str(error), odd.first or _cut(" ".join(row.text.split()))
            odd.count += 1
    return found


def _where(raised: BaseException) -> str:
    """What was raised, and, where one of Snorkel's preprocessors raised it before the function was called, in which."""
    from snorkel.map.core import BaseMapper

    what = f"{type(raised).__name__}: {raised}"
    held = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(raised.__traceback__)]
    names = [one.name for one in held if isinstance(one, BaseMapper)]
    return f"in preprocessor {names[-1]}: {what}" if names else what


def recast(function: LoadedFunction, task: Task, rows: Sequence[Row], votes: np.ndarray) -> tuple[int, int]:
    """Ask a function a second time about some of the rows, first those that it voted on.

    Returns:
        How many it was asked about, and on how many it answered otherwise.
    """
    places = [*np.flatnonzero(votes >= 0)[:_TWICE], *np.flatnonzero(votes < 0)[:_TWICE]][:_TWICE]
    end, done, size, changed = time.monotonic() + _TWICE_SECONDS, 0, 1, 0
    while done < len(places) and time.monotonic() < end:  # ever more at a time, so that a slow one is asked little
        some = places[done : done + size]
        try:
            again = cast(function, task, [rows[place] for place in some]).votes
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
    wanted = "return the label's name, or None to abstain"
    if whole:
        wanted += f"; a place from 0 to {len(task.labels) - 1} serves only where the config fixes the labels"
    hint = did_you_mean(answer, task.labels) if isinstance(answer, str) else wanted
    raise UnknownLabelError(f"returned {_cut(repr(answer))}, which is no class; {hint}")


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


def failed_examples(function: LoadedFunction, task: Task, encode: Callable[[list[str]], np.ndarray]) -> str | None:
    """Why the function's own examples do not hold, or None where they all do."""
    return check_examples(function, task, example_rows(function, encode))


def example_rows(function: LoadedFunction, encode: Callable[[list[str]], np.ndarray]) -> list[Row]:
    """The texts of the function's examples as rows: first those that it must vote on."""
    wanted = examples_of(function.function)
    texts = [*wanted.hits, *wanted.misses]
    if not texts:  # as most functions; an empty frame takes longer than a hundred rows do
        return []
    return rows_of(pd.DataFrame({"text": texts}), Vectors(lambda: encode(texts), encode))


def check_examples(function: LoadedFunction, task: Task, rows: Sequence[Row]) -> str | None:
    """Why the examples do not hold on the rows that `example_rows` gives, or None where they do."""
    hits = len(examples_of(function.function).hits)
    for position, row in enumerate(rows):
        try:
            found = cast(function, task, [row])
        except UnknownLabelError as error:
            return f'on its example "{row.text}" it {error}'
        if found.error:
            return f'raises on its example "{row.text}": {found.error}'
        if (found.votes[0] != ABSTAIN) != (position < hits):
            return f'{"abstains" if position < hits else "votes"} on its example "{row.text}"'
    return None


def counted(found: Cast, max_failures: float) -> tuple[np.ndarray, int]:
    """The votes with -1 where the function raised, and on how many rows it did.

    Raises:
        ValueError: on too large a share of the rows.
    """
    failed = found.votes == FAILED
    if failed.sum() > max_failures * len(failed):
        raise ValueError(f"raised on {failed.sum()} of {len(failed)} rows, last {found.error}")
    return np.where(failed, ABSTAIN, found.votes).astype(np.int16), int(failed.sum())


def apply(function: LoadedFunction, task: Task, rows: Sequence[Row], max_failures: float) -> tuple[np.ndarray, int]:
    """One function's votes on all rows, in this process.

    Returns:
        int16, shape (rows,), -1 where it abstains or raises; and on how many rows it raised.

    Raises:
        UnknownLabelError: it returned what is no class.
        ValueError: it raised on too large a share of the rows.
    """
    return counted(cast(function, task, rows), max_failures)
