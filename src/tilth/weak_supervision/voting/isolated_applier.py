"""Apply functions to rows in guarded processes, a block of rows at a time, so that few stand in memory at once."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tilth.weak_supervision.isolation import (
    AnswerFunction,
    Limits,
    Outcome,
    ask_parent,
    enter_step,
    in_guarded_process,
    run_captured,
    run_guarded,
)
from tilth.weak_supervision.voting.applier import FunctionVotes, check_examples, vote, vote_again
from tilth.weak_supervision.voting.config import VotingConfig
from tilth.weak_supervision.voting.data_points import Row, RowSimilarities, build_rows
from tilth.weak_supervision.voting.voting_job import Tally, VotingJob

_PAYS = 200_000
"""Calls from which a second process earns what its start costs (some 30 ms against a microsecond a call)."""
_BLOCK = 4096
"""Rows that stand in memory at a time: new memory costs more time than the votes on it."""
_FIRST_ROWS, _MORE_ROWS = -2, -3
"""Steps in which no function runs: building the first rows, and building more after functions have run."""


@dataclass
class _PartResult:
    """What became of a part: a tally a function, or why its rows could not be built, and at what step."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    unbuilt: str = ""
    step: int = _FIRST_ROWS


class _Part:
    """Some rows, and all functions that have yet to vote on them; called in a guarded process."""

    def __init__(
        self, place: int, jobs: dict[int, VotingJob], rows: np.ndarray, frame: pd.DataFrame, vectors: RowSimilarities
    ) -> None:
        self.place, self.jobs, self.rows, self._frame, self._vectors = place, jobs, rows, frame, vectors
        self.tallies: dict[int, Tally] = {}

    def alone(self) -> list[_Part]:
        """The same rows, a part for each function by itself."""
        return [
            _Part(self.place, {number: one}, self.rows, self._frame, self._vectors) for number, one in self.jobs.items()
        ]

    def __call__(self) -> _PartResult:
        tallies = {number: Tally() for number in self.jobs}
        if in_guarded_process():
            self._vectors.compute = functools.partial(_from_parent, None)
        for number, job in self.jobs.items():
            if in_guarded_process() and (vectors := job.example_similarities) is not None:
                vectors.compute = functools.partial(_from_parent, number)
            enter_step(number)
            tallies[number].add(run_captured(functools.partial(_check, job)))
        for start in range(0, len(self.rows), _BLOCK):
            step = _MORE_ROWS if start else _FIRST_ROWS
            enter_step(step)
            try:
                rows = build_rows(self._frame, self._vectors, self.rows[start : start + _BLOCK].tolist())
            except Exception as error:
                return _PartResult(unbuilt=f"{type(error).__name__}: {error}", step=step)
            for number, job in self.jobs.items():
                if not tallies[number].error:
                    enter_step(number)
                    _vote_on_block(job, rows, tallies[number])
        return _PartResult(tallies=tallies)


def _vote_on_block(job: VotingJob, rows: Sequence[Row], tally: Tally) -> None:
    """One function's votes on one block of rows; on some of the first block twice."""
    first = not tally.votes
    tally.add(run_captured(functools.partial(vote, job.function, job.task, rows)))
    if first and not tally.error and tally.seconds < len(rows):  # one slower than a row a second votes once
        again = run_captured(functools.partial(vote_again, job.function, job.task, rows, tally.votes[0]))
        tally.repeated, tally.changed = again.value or (0, 0)


def _check(job: VotingJob) -> None:
    if (why := check_examples(job.function, job.task, job.examples)) is not None:
        raise ValueError(why)


def _from_parent(number: int | None, phrases: tuple[str, ...]) -> np.ndarray:
    similarities: np.ndarray = ask_parent((number, phrases))
    return similarities


def vote_isolated(
    jobs: Sequence[VotingJob], frame: pd.DataFrame, vectors: RowSimilarities, config: VotingConfig
) -> list[Outcome]:
    """Each function's examples, and then its votes on the rows that it has yet to vote on.

    Args:
        jobs: the functions.
        frame: the table that their rows are positions in.
        vectors: of that table's rows.
        config: limits.

    Returns:
        One outcome a job, with `FunctionVotes` on its rows, or with the reason why it has none.
    """
    calls = sum(len(job.rows) for job in jobs)
    processes = config.processes or min(os.cpu_count() or 1, 1 + calls // _PAYS)
    most = max((len(job.rows) for job in jobs), default=0)
    limits = Limits(
        seconds=max(config.min_seconds, config.seconds_per_thousand * most / processes / 1000),
        megabytes=config.max_megabytes,
        processes=processes,
        isolate=config.isolate,
    )
    answers: dict[tuple[int | None, tuple[str, ...]], np.ndarray] = {}

    def answer(question: tuple[int | None, tuple[str, ...]]) -> np.ndarray:
        number, phrases = question
        source = vectors if number is None else jobs[number].example_similarities
        if question not in answers and source is not None:
            answers[question] = source.similarities(phrases)
        return answers[question]

    parts, errors = _run_parts(_parts(jobs, frame, vectors, processes), limits, answer)
    return [_joined(number, parts, errors.get(number, "")) for number in range(len(jobs))]


def _parts(jobs: Sequence[VotingJob], frame: pd.DataFrame, vectors: RowSimilarities, processes: int) -> list[_Part]:
    """Functions that want the same rows see them together; the rows are split over the processes."""
    alike: dict[bytes, list[int]] = {}
    content: dict[int, bytes] = {}  # of each array once: bytes remember their hash, and it takes long
    for number, job in enumerate(jobs):
        if len(job.rows):
            key = content.setdefault(id(job.rows), job.rows.tobytes())
            alike.setdefault(key, []).append(number)
    split = [
        (numbers, rows)
        for numbers in alike.values()
        for rows in np.array_split(jobs[numbers[0]].rows, processes)
        if len(rows)
    ]
    return [
        _Part(place, {number: jobs[number] for number in numbers}, rows, frame, vectors)
        for place, (numbers, rows) in enumerate(split)
    ]


def _run_parts(parts: Sequence[_Part], limits: Limits, answer: AnswerFunction) -> tuple[list[_Part], dict[int, str]]:
    """Run the parts; where a function breaks a limit, run its part again without it.

    Returns:
        The parts that came to their end, in the order of their rows; and the functions that broke a limit, and how.
    """
    errors: dict[int, str] = {}
    finished: list[_Part] = []
    rounds = [list(parts)]
    while rounds:
        again: list[_Part] = []
        round_parts = rounds.pop()
        for part in round_parts:  # a function that is out in one part need not run in another
            part.jobs = {number: job for number, job in part.jobs.items() if number not in errors}
        round_parts = [part for part in round_parts if part.jobs]
        outcomes = run_guarded(round_parts, limits, answer) if round_parts else []
        for part, outcome in zip(round_parts, outcomes, strict=True):
            unbuilt, step = _unbuilt(outcome)
            if unbuilt and step == _MORE_ROWS and len(part.jobs) > 1:
                # One of them may have taken the memory that the rows wanted: each in a process of its own.
                rounds += [[one] for one in part.alone()]
            elif unbuilt:
                errors |= dict.fromkeys(part.jobs, f"the rows that it sees could not be built: {unbuilt}")
            elif outcome.error:
                errors |= dict.fromkeys(part.jobs if outcome.step is None else [outcome.step], outcome.error)
                again.append(part)
            else:
                part.tallies = outcome.value.tallies
                finished.append(part)
        if again:
            rounds.append(again)
    return sorted(finished, key=lambda part: part.place), errors


def _unbuilt(outcome: Outcome) -> tuple[str, int]:
    """Why rows could not be built, which is no function's fault, or ""; and at what step."""
    if outcome.step in (_FIRST_ROWS, _MORE_ROWS):
        return outcome.error, outcome.step
    result = outcome.value if isinstance(outcome.value, _PartResult) else _PartResult()
    return result.unbuilt, result.step


def _joined(number: int, parts: Sequence[_Part], error: str) -> Outcome:
    """The parts of one function's outcome as one: an error in any is the error of all."""
    tallies = [part.tallies[number] for part in parts if number in part.tallies]
    seconds = sum(tally.seconds for tally in tallies)
    printed = next((tally.printed for tally in tallies if tally.printed), "")
    error = error or next((tally.error for tally in tallies if tally.error), "")
    if error:
        return Outcome(error=error, printed=printed, seconds=seconds)
    votes = [block for tally in tallies for block in tally.votes] or [np.zeros(0, dtype=np.int16)]
    function_votes = FunctionVotes(
        votes=np.concatenate(votes),
        error=next((tally.raised for tally in reversed(tallies) if tally.raised), ""),
        repeated=sum(tally.repeated for tally in tallies),
        changed=sum(tally.changed for tally in tallies),
    )
    return Outcome(value=function_votes, printed=printed, seconds=seconds)
