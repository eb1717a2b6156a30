"""Put rows to functions in guarded processes, a block of rows at a time, so that few stand in memory at once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tilth.samples import Task
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.isolation import Done, Limits, supervisor, worker
from tilth.weak_supervision.voting.applier import Cast, cast, check_examples, example_rows, recast
from tilth.weak_supervision.voting.config import VotingConfig
from tilth.weak_supervision.voting.data_points import Row, Vectors, rows_of

Encode = Callable[[list[str]], np.ndarray]

_PAYS = 200_000
"""Calls from which a second process earns what its start costs (some 30 ms against a microsecond a call)."""
_BLOCK = 4096
"""Rows that stand in memory at a time: new memory costs more time than the votes on it."""
_FIRST_ROWS, _MORE_ROWS = -2, -3
"""Steps in which no function is asked: building the first rows, and building more after functions were asked."""


class Question:
    """One function, its examples, and the rows that it has yet to vote on.

    Attributes:
        function: who is asked.
        task: what its labels belong to.
        rows: positions in the frame, int64.
        examples: its examples as rows.
    """

    def __init__(self, function: LoadedFunction, task: Task, rows: np.ndarray, encode: Encode) -> None:
        self.function, self.task, self.rows = function, task, rows
        self.examples = example_rows(function, encode) if len(rows) else []

    @property
    def example_vectors(self) -> Vectors | None:
        """What `x.similar_to` of the examples goes to."""
        return self.examples[0]._vectors if self.examples else None


@dataclass
class _Tally:
    """What one function has said of the blocks so far."""

    votes: list[np.ndarray] = field(default_factory=list)
    error: str = ""
    raised: str = ""
    printed: str = ""
    seconds: float = 0.0
    twice: int = 0
    changed: int = 0

    def add(self, done: Done) -> None:
        self.seconds += done.seconds
        self.printed = self.printed or done.printed
        self.error = done.error
        if isinstance(done.value, Cast):
            self.votes.append(done.value.votes)
            self.raised = done.value.error or self.raised


@dataclass
class _Heard:
    """What became of a part: a tally a function, or why the rows that they see could not be built, and at what step."""

    tallies: dict[int, _Tally] = field(default_factory=dict)
    unbuilt: str = ""
    at: int = _FIRST_ROWS


class _Part:
    """Some rows, put to all functions that want them; called in a child process."""

    def __init__(
        self, place: int, asked: dict[int, Question], rows: np.ndarray, frame: pd.DataFrame, vectors: Vectors
    ) -> None:
        self.place, self.asked, self.rows, self._frame, self._vectors = place, asked, rows, frame, vectors
        self.tallies: dict[int, _Tally] = {}

    def alone(self) -> list[_Part]:
        """The same rows, put to each function by itself."""
        return [
            _Part(self.place, {number: one}, self.rows, self._frame, self._vectors)
            for number, one in self.asked.items()
        ]

    def __call__(self) -> _Heard:
        tallies = {number: _Tally() for number in self.asked}
        if worker.in_child():
            self._vectors.ask = functools.partial(_from_parent, None)
        for number, question in self.asked.items():
            if worker.in_child() and (vectors := question.example_vectors) is not None:
                vectors.ask = functools.partial(_from_parent, number)
            worker.at(number)
            tallies[number].add(worker.perform(functools.partial(_check, question)))
        for start in range(0, len(self.rows), _BLOCK):
            step = _MORE_ROWS if start else _FIRST_ROWS
            worker.at(step)
            try:
                rows = rows_of(self._frame, self._vectors, self.rows[start : start + _BLOCK].tolist())
            except Exception as error:
                return _Heard(unbuilt=f"{type(error).__name__}: {error}", at=step)
            for number, question in self.asked.items():
                if not tallies[number].error:
                    worker.at(number)
                    _put(question, rows, tallies[number])
        return _Heard(tallies=tallies)


def _put(question: Question, rows: Sequence[Row], tally: _Tally) -> None:
    """One block of rows to one function; some of the first block twice."""
    first = not tally.votes
    tally.add(worker.perform(functools.partial(cast, question.function, question.task, rows)))
    if first and not tally.error and tally.seconds < len(rows):  # slower than a row a second is not asked twice
        again = worker.perform(functools.partial(recast, question.function, question.task, rows, tally.votes[0]))
        tally.twice, tally.changed = again.value or (0, 0)


def _check(question: Question) -> None:
    if (why := check_examples(question.function, question.task, question.examples)) is not None:
        raise ValueError(why)


def _from_parent(number: int | None, phrases: tuple[str, ...]) -> np.ndarray:
    found: np.ndarray = worker.ask((number, phrases))
    return found


def ask(questions: Sequence[Question], frame: pd.DataFrame, vectors: Vectors, config: VotingConfig) -> list[Done]:
    """Each function's examples, and then its votes on the rows that it has yet to vote on.

    Args:
        questions: the functions.
        frame: the table that their rows are positions in.
        vectors: of that table's rows.
        config: limits.

    Returns:
        One outcome a question, with a `Cast` of its rows, or with the reason why it has none.
    """
    calls = sum(len(question.rows) for question in questions)
    processes = config.processes or min(os.cpu_count() or 1, 1 + calls // _PAYS)
    most = max((len(question.rows) for question in questions), default=0)
    limits = Limits(
        seconds=max(config.min_seconds, config.seconds_per_thousand * most / processes / 1000),
        megabytes=config.max_megabytes,
        processes=processes,
        isolate=config.isolate,
    )
    answers: dict[tuple[int | None, tuple[str, ...]], np.ndarray] = {}

    def answer(asked: tuple[int | None, tuple[str, ...]]) -> np.ndarray:
        number, phrases = asked
        own = vectors if number is None else questions[number].example_vectors
        if asked not in answers and own is not None:
            answers[asked] = own.similarities(phrases)
        return answers[asked]

    parts, errors = _hear(_parts(questions, frame, vectors, processes), limits, answer)
    return [_joined(number, parts, errors.get(number, "")) for number in range(len(questions))]


def _parts(questions: Sequence[Question], frame: pd.DataFrame, vectors: Vectors, processes: int) -> list[_Part]:
    """Functions that want the same rows see them together; the rows are split over the processes."""
    alike: dict[bytes, list[int]] = {}
    content: dict[int, bytes] = {}  # of each array once: bytes remember their hash, and it takes long
    for number, question in enumerate(questions):
        if len(question.rows):
            key = content.setdefault(id(question.rows), question.rows.tobytes())
            alike.setdefault(key, []).append(number)
    split = [
        (numbers, rows)
        for numbers in alike.values()
        for rows in np.array_split(questions[numbers[0]].rows, processes)
        if len(rows)
    ]
    return [
        _Part(place, {number: questions[number] for number in numbers}, rows, frame, vectors)
        for place, (numbers, rows) in enumerate(split)
    ]


def _hear(parts: Sequence[_Part], limits: Limits, answer: supervisor.Answer) -> tuple[list[_Part], dict[int, str]]:
    """Run the parts; where a function breaks a limit, run its part again without it.

    Returns:
        The parts that came to their end, in the order of their rows; and who broke a limit, and how.
    """
    errors: dict[int, str] = {}
    heard: list[_Part] = []
    rounds = [list(parts)]
    while rounds:
        again: list[_Part] = []
        left = rounds.pop()
        for part in left:  # who is out in one part need not be heard in another
            part.asked = {number: question for number, question in part.asked.items() if number not in errors}
        left = [part for part in left if part.asked]
        for part, done in zip(left, supervisor.run(left, limits, answer) if left else (), strict=True):
            unbuilt, step = _unbuilt(done)
            if unbuilt and step == _MORE_ROWS and len(part.asked) > 1:
                # One of them may have taken the memory that the rows wanted: each in a process of its own.
                rounds += [[one] for one in part.alone()]
            elif unbuilt:
                errors |= dict.fromkeys(part.asked, f"the rows that it sees could not be built: {unbuilt}")
            elif done.error:
                errors |= dict.fromkeys(part.asked if done.at is None else [done.at], done.error)
                again.append(part)
            else:
                part.tallies = done.value.tallies
                heard.append(part)
        if again:
            rounds.append(again)
    return sorted(heard, key=lambda part: part.place), errors


def _unbuilt(done: Done) -> tuple[str, int]:
    """Why rows could not be built, which is no function's fault, or ""; and at what step."""
    if done.at in (_FIRST_ROWS, _MORE_ROWS):
        return done.error, done.at
    found = done.value if isinstance(done.value, _Heard) else _Heard()
    return found.unbuilt, found.at


def _joined(number: int, parts: Sequence[_Part], error: str) -> Done:
    """The parts of one function's outcome as one: an error in any is the error of all."""
    heard = [part.tallies[number] for part in parts if number in part.tallies]
    seconds = sum(tally.seconds for tally in heard)
    printed = next((tally.printed for tally in heard if tally.printed), "")
    error = error or next((tally.error for tally in heard if tally.error), "")
    if error:
        return Done(error=error, printed=printed, seconds=seconds)
    votes = [block for tally in heard for block in tally.votes] or [np.zeros(0, dtype=np.int16)]
    found = Cast(
        votes=np.concatenate(votes),
        error=next((tally.raised for tally in reversed(heard) if tally.raised), ""),
        twice=sum(tally.twice for tally in heard),
        changed=sum(tally.changed for tally in heard),
    )
    return Done(value=found, printed=printed, seconds=seconds)
