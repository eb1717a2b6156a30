"""What was read otherwise than it stands in the input, for a person to know: a sentence, a count and the first place.

A night shows the notes on the terminal and keeps them in its record and its report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

UNREADABLE = "unreadable.txt"
"""The file of a run's folder that keeps the lines that could not be read."""

UNREADABLE_LINES = "unreadable_lines"
"""The kind of the note on them."""

FILE, ROW = "_file", "_row"
"""Columns of a frame of input rows that say where each came from, until the table is made."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """One thing that a person may have meant otherwise.

    Attributes:
        kind: A word for it that programs can look for.
        count: How many lines, rows, labels or columns it is about.
        message: What was found and what is done with it.
        first: Where the first of them stands.
    """

    kind: str
    count: int
    message: str
    first: str

    def __str__(self) -> str:
        return self.message if self.message.startswith(self.first) else f"{self.message} (first: {self.first})"

    def to_json(self) -> dict[str, Any]:
        """As it is written to `run.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Unreadable:
    """A line of an input file that could not be read, as it stands there; lines count from 1."""

    file: str
    line: int
    content: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.content.rstrip()}"


@dataclass
class Notes:
    """The notes and the unreadable lines of one reading, in the order in which they were found."""

    found: list[Note] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, kind: str, count: int, message: str, first: str) -> None:
        """Keep one note, where there is something to count."""
        if count:
            self.found.append(Note(kind=kind, count=count, message=message, first=first))

    def rows(self, kind: str, frame: pd.DataFrame, mask: Iterable[bool], noun: str, rest: str) -> None:
        """Keep one note on the rows in a boolean mask, `rest` being what "3 rows" did or lost."""
        import numpy as np

        places = np.flatnonzero(np.asarray(mask, dtype=bool))
        if len(places):
            self.add(kind, len(places), f"{many(len(places), noun)} {rest}", place(frame.iloc[places[0]]))

    def lines(self, file: str, broken: Iterable[tuple[int, str]], why: str) -> None:
        """Keep lines that could not be read, and one note on them all."""
        lost = [Unreadable(file, line, content) for line, content in broken]
        self.unreadable += lost
        if lost:
            message = (
                f"{many(len(lost), 'line')} of {file} could not be read: {why}; a night leaves them out and keeps them "
                f"in {UNREADABLE}, beside its report"
            )
            self.add(UNREADABLE_LINES, len(lost), message, f"{file}, line {lost[0].line}")


def place(row: pd.Series) -> str:
    """Where a row of the input stands: its file, and its number there, from 1, below the header."""
    return f"{row[FILE]}, row {row[ROW]}"


def many(count: int, noun: str) -> str:
    """A count with its noun.

    >>> many(1, "row"), many(2345, "row")
    ('1 row', '2,345 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Iterable[str], most: int = 5) -> str:
    """Words in quotes, the first few of them.

    >>> listed(["a", "b", "c"], most=2)
    '"a", "b" and 1 more'
    """
    every = [f'"{word}"' for word in words]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
