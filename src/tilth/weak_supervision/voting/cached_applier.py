"""Ask every labeling function about every row: from the cache where it has answered, guarded where it has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.isolation import Done
from tilth.weak_supervision.voting.applier import counted
from tilth.weak_supervision.voting.config import VotingConfig
from tilth.weak_supervision.voting.data_points import Vectors, keys_of
from tilth.weak_supervision.voting.isolated_applier import Encode, Question, ask
from tilth.weak_supervision.voting.label_matrix import Ballot
from tilth.weak_supervision.voting.vote_cache import Keys, file_of, merge, read, write

_SLOW = 5.0
"""Seconds below which nobody minds what a function takes."""


def cast_all(
    functions: Sequence[LoadedFunction],
    tasks: Sequence[Task],
    frame: pd.DataFrame,
    vectors: Callable[[], np.ndarray],
    encode: Encode,
    config: VotingConfig,
    cache: Cache | None = None,
    encoder: str = "",
) -> list[Ballot]:
    """Votes of the functions on a frame's rows.

    Args:
        functions: whose votes are wanted.
        tasks: each function's is among them.
        frame: `text` and the kept input columns `meta.<name>`.
        vectors: gives the rows' embeddings, asked only where a function uses `x.similar_to`.
        encode: gives those of phrases.
        config: limits, and the largest share of failures.
        cache: where votes are kept from night to night; None keeps none.
        encoder: the encoder's fingerprint, on which similarities depend.

    Returns:
        One ballot a function, in order.
    """
    task_of = {task.name: task for task in tasks}
    keys = Keys.of(keys_of(frame) if cache is not None else np.zeros(0, dtype=np.uint64))
    files = [file_of(cache, function, task_of[function.task], encoder) for function in functions]
    known = [read(file) for file in files]
    every = np.arange(len(frame))
    missing = [held.missing(keys) if file is not None else every for file, held in zip(files, known, strict=True)]
    questions = [
        Question(function, task_of[function.task], rows, encode)
        for function, rows in zip(functions, missing, strict=True)
    ]
    heard = ask(questions, frame, Vectors(vectors, encode), config)
    ballots = []
    for question, outcome, file, held in zip(questions, heard, files, known, strict=True):
        done = outcome
        if file is not None and not outcome.error:
            whole = merge(held, keys.keys[question.rows], outcome.value) if len(question.rows) else held
            if len(question.rows):
                write(file, whole)
            done = replace(outcome, value=whole.of(keys))
        ballots.append(_ballot(question, done, _odd(question, outcome, config), config))
    return ballots


def _odd(question: Question, done: Done, config: VotingConfig) -> list[str]:
    """What is odd about a function's answers of tonight, though they are used."""
    odd = []
    if done.printed.strip():
        odd.append(f"prints: {' '.join(done.printed.split())[:80]}")
    if done.value is not None and done.value.changed:
        odd.append(f"answers otherwise when asked again: on {done.value.changed} of {done.value.twice} rows")
    each = done.seconds / max(1, len(question.rows))
    if not done.error and each > config.seconds_per_thousand / 1000 and done.seconds >= _SLOW:
        most = f"seconds_per_thousand = {config.seconds_per_thousand:g} leaves it out from about "
        odd.append(f"slow: {each:.2g} s a row; {most}{int(config.min_seconds / each) + 1} rows on")
    return odd


def _ballot(question: Question, done: Done, odd: list[str], config: VotingConfig) -> Ballot:
    function = question.function
    told: dict[str, Any] = {"function": function, "seconds": done.seconds, "asked": len(question.rows)}
    if done.error:
        return Ballot(error=done.error, remark="; ".join(odd), **told)
    try:
        votes, failures = counted(done.value, config.max_failures)
    except ValueError as error:
        return Ballot(error=str(error), remark="; ".join(odd), **told)
    if failures:
        odd.append(f"raised on {failures} of {len(votes)} rows, last {done.value.error}")
    if len(votes) and not (votes >= 0).any():
        odd.append("votes on no row")
    return Ballot(votes=votes, failures=failures, remark="; ".join(odd), **told)
