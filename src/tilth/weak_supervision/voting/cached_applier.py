"""Votes of every labeling function on every row: from the cache where there are any, else by guarded processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.isolation import Outcome
from tilth.weak_supervision.voting.applier import count_failures
from tilth.weak_supervision.voting.config import VotingConfig
from tilth.weak_supervision.voting.data_points import RowSimilarities, keys_of
from tilth.weak_supervision.voting.isolated_applier import vote_isolated
from tilth.weak_supervision.voting.label_matrix import Ballot
from tilth.weak_supervision.voting.vote_cache import RowKeys, cache_file, merge_votes, read_votes, write_votes_file
from tilth.weak_supervision.voting.voting_job import Encode, VotingJob

_SLOW = 5.0
"""Seconds below which a function is not called slow."""


def cast_votes(
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
        vectors: gives the rows' embeddings; called only where a function uses `x.similar_to`.
        encode: gives those of phrases.
        config: limits, and the largest share of failures.
        cache: of votes from night to night, or None.
        encoder: the encoder's fingerprint, on which similarities depend.

    Returns:
        One ballot a function, in order.
    """
    task_of = {task.name: task for task in tasks}
    keys = RowKeys.of(keys_of(frame) if cache is not None else np.zeros(0, dtype=np.uint64))
    files = [cache_file(cache, function, task_of[function.task], encoder) for function in functions]
    cached = [read_votes(file) for file in files]
    every = np.arange(len(frame))
    missing = [old.missing(keys) if file is not None else every for file, old in zip(files, cached, strict=True)]
    jobs = [
        VotingJob(function, task_of[function.task], rows, encode)
        for function, rows in zip(functions, missing, strict=True)
    ]
    outcomes = vote_isolated(jobs, frame, RowSimilarities(vectors, encode), config)
    ballots = []
    for job, outcome, file, old in zip(jobs, outcomes, files, cached, strict=True):
        whole = outcome
        if file is not None and not outcome.error:
            merged = merge_votes(old, keys.keys[job.rows], outcome.value) if len(job.rows) else old
            if len(job.rows):
                write_votes_file(file, merged)
            whole = replace(outcome, value=merged.of(keys))
        ballots.append(_ballot(job, whole, _remarks(job, outcome, config), config))
    return ballots


def _remarks(job: VotingJob, outcome: Outcome, config: VotingConfig) -> list[str]:
    """What is odd about a function's votes of tonight, though they are used."""
    remarks = []
    if outcome.printed.strip():
        remarks.append(f"prints: {' '.join(outcome.printed.split())[:80]}")
    if outcome.value is not None and outcome.value.changed:
        remarks.append(
            f"answers otherwise when asked again: on {outcome.value.changed} of {outcome.value.repeated} rows"
        )
    each = outcome.seconds / max(1, len(job.rows))
    if not outcome.error and each > config.seconds_per_thousand / 1000 and outcome.seconds >= _SLOW:
        most = f"seconds_per_thousand = {config.seconds_per_thousand:g} leaves it out from about "
        remarks.append(f"slow: {each:.2g} s a row; {most}{int(config.min_seconds / each) + 1} rows on")
    return remarks


def _ballot(job: VotingJob, outcome: Outcome, remarks: list[str], config: VotingConfig) -> Ballot:
    common: dict[str, Any] = {"function": job.function, "seconds": outcome.seconds, "calls": len(job.rows)}
    if outcome.error:
        return Ballot(error=outcome.error, remark="; ".join(remarks), **common)
    try:
        votes, failures = count_failures(outcome.value, config.max_failures)
    except ValueError as error:
        return Ballot(error=str(error), remark="; ".join(remarks), **common)
    if failures:
        remarks.append(f"raised on {failures} of {len(votes)} rows, last {outcome.value.error}")
    if len(votes) and not (votes >= 0).any():
        remarks.append("votes on no row")
    return Ballot(votes=votes, failures=failures, remark="; ".join(remarks), **common)
