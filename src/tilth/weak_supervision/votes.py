"""Apply labeling functions to rows: a bare loop, in which a failing function harms nobody but itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from tilth.errors import did_you_mean
from tilth.samples import Task
from tilth.weak_supervision.examples import examples_of
from tilth.weak_supervision.loader import LoadedFunction

ABSTAIN = -1
_META = "meta."


class UnknownLabelError(ValueError):
    """A labeling function returned something that is no class of its task."""


class Vectors:
    """Embeddings of rows, made when the first function asks, and of the phrases that rows are compared with."""

    def __init__(self, rows: Callable[[], np.ndarray], encode: Callable[[list[str]], np.ndarray]) -> None:
        self._rows, self._encode = rows, encode
        self._similarities: dict[tuple[str, ...], np.ndarray] = {}

    def similarity(self, row: int, phrases: tuple[str, ...]) -> float:
        """Largest cosine of a row to any of the phrases."""
        if phrases not in self._similarities:
            self._similarities[phrases] = (self._rows() @ self._encode(list(phrases)).T).max(axis=1)
        return float(self._similarities[phrases][row])


class Row(SimpleNamespace):
    """What a labeling function sees: `text`, the kept input columns by their plain names, and `similar_to`."""

    def __init__(self, position: int, vectors: Vectors, values: Mapping[str, Any]) -> None:
        super().__init__(**values)
        self._position, self._vectors = position, vectors

    def similar_to(self, *phrases: str) -> float:
        """Largest cosine similarity, -1 to 1, of the text to any of the phrases under the night's encoder."""
        return self._vectors.similarity(self._position, phrases)


def rows_of(frame: pd.DataFrame, vectors: Vectors) -> list[Row]:
    """One row object for each row of the frame, in order."""
    meta = [name for name in frame.columns if name.startswith(_META)]
    plain = [name.removeprefix(_META) for name in meta]
    values = zip(*(frame[name].tolist() for name in meta), strict=True) if meta else ([] for _ in range(len(frame)))
    return [
        Row(position, vectors, {**dict(zip(plain, kept, strict=True)), "text": text})
        for position, (text, kept) in enumerate(zip(frame["text"].tolist(), values, strict=True))
    ]


def vote(function: LoadedFunction, row: Row, codes: Mapping[str, int], names: Sequence[str]) -> int:
    """One function's vote on one row, as the label's place in the task, or -1.

    Raises:
        UnknownLabelError: it returned something else; whatever else the function raises comes through.
    """
    found = function.function(row)
    if found is None or (isinstance(found, int | np.integer) and found == ABSTAIN):
        return ABSTAIN
    if isinstance(found, str) and found in codes:
        return codes[found]
    hint = did_you_mean(found, names) if isinstance(found, str) else "return the label's name, or None to abstain"
    raise UnknownLabelError(f"returned {found!r}, which is no class; {hint}")


def failed_examples(function: LoadedFunction, task: Task, encode: Callable[[list[str]], np.ndarray]) -> str | None:
    """Why the function's own examples do not hold, or None where they all do."""
    wanted = examples_of(function.function)
    texts = [*wanted.hits, *wanted.misses]
    rows = rows_of(pd.DataFrame({"text": texts}), Vectors(lambda: encode(texts), encode))
    codes = {label: code for code, label in enumerate(task.labels)}
    for position, row in enumerate(rows):
        should_vote = position < len(wanted.hits)
        try:
            votes = vote(function, row, codes, task.labels) != ABSTAIN
        except Exception as error:
            return f'raises on its example "{row.text}": {type(error).__name__}: {error}'
        if votes != should_vote:
            return f'{"abstains" if should_vote else "votes"} on its example "{row.text}"'
    return None


def apply(function: LoadedFunction, task: Task, rows: Sequence[Row], max_failures: float) -> tuple[np.ndarray, int]:
    """One function's votes on all rows.

    Returns:
        int16, shape (rows,), -1 where it abstains or raises; and on how many rows it raised.

    Raises:
        UnknownLabelError: it returned what is no class.
        ValueError: it raised on too large a share of the rows.
    """
    codes = {label: code for code, label in enumerate(task.labels)}
    votes, failures, last = np.full(len(rows), ABSTAIN, dtype=np.int16), 0, ""
    for position, row in enumerate(rows):
        try:
            votes[position] = vote(function, row, codes, task.labels)
        except UnknownLabelError:
            raise
        except Exception as error:
            failures, last = failures + 1, f"{type(error).__name__}: {error}"
    if failures > max_failures * len(rows):
        raise ValueError(f"raised on {failures} of {len(rows)} rows, last {last}")
    return votes, failures
