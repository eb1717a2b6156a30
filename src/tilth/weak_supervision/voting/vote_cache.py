"""Votes cached from night to night: a file a function, in it a vote a row, so that functions run on new rows only."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tilth.samples import Task
from tilth.store import Cache, atomic, digest, used
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.voting.applier import FunctionVotes

log = logging.getLogger(__name__)

_ROW_VERSION = "2"
"""Changes with what a row offers to a function, so that no vote is taken that another kind of row would not get."""


@dataclass(frozen=True, kw_only=True)
class CachedVotes:
    """What the cache holds of one function's votes.

    Attributes:
        keys: of the rows, as `keys_of` gives them, in ascending order.
        votes: as in `FunctionVotes`.
        error: as in `FunctionVotes`.
    """

    keys: np.ndarray
    votes: np.ndarray
    error: str

    def missing(self, rows: RowKeys) -> np.ndarray:
        """Positions of the rows without a vote, one of those that are alike, int64."""
        if np.array_equal(self.keys, rows.unique):
            return np.zeros(0, dtype=np.int64)
        return np.sort(rows.first[~np.isin(rows.unique, self.keys, assume_unique=True)])

    def of(self, rows: RowKeys) -> FunctionVotes:
        """The votes of rows that all have one."""
        same = np.array_equal(self.keys, rows.unique)
        votes = self.votes if same else self.votes[np.searchsorted(self.keys, rows.unique)]
        return FunctionVotes(votes=votes[rows.inverse], error=self.error)


@dataclass(frozen=True, kw_only=True)
class RowKeys:
    """The keys of a table's rows, sorted once for all functions.

    Attributes:
        keys: uint64, shape (rows,).
        unique: each once, ascending.
        first: where each of those stands first.
        inverse: each row's place among them, shape (rows,).
    """

    keys: np.ndarray
    unique: np.ndarray
    first: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray) -> RowKeys:
        """Sort the keys that `keys_of` gives."""
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return cls(keys=keys, unique=unique, first=first, inverse=inverse)


NOTHING = CachedVotes(keys=np.zeros(0, dtype=np.uint64), votes=np.zeros(0, dtype=np.int16), error="")


def cache_file(cache: Cache | None, function: LoadedFunction, task: Task, encoder: str) -> Path | None:
    """Where a function's votes are cached; None where they are not."""
    if cache is None or function.key is None:
        return None
    key = digest("\x1f".join([_ROW_VERSION, function.key, encoder, str(task.fixed), *task.labels, *_changes(task)]))
    return cache.folder("votes", key).with_suffix(".safetensors")


def _changes(task: Task) -> list[str]:
    """What tells the votes on classes that were renamed, merged or split from those before."""
    return [repr([sorted(task.former.items(), key=str), task.places])] if task.former else []


def read_votes(file: Path | None) -> CachedVotes:
    """The votes of a file; none where there is no file, or a damaged one."""
    if file is None or not file.exists():
        return NOTHING
    try:
        stored = load_file(file)
        used(file)
        return CachedVotes(
            keys=stored["keys"], votes=stored["votes"], error=stored["error"].tobytes().decode("utf-8", "replace")
        )
    except (SafetensorError, OSError, KeyError) as error:
        log.warning("cache file %s is damaged (%s): the functions vote again", file.name, error)
        return NOTHING


def merge_votes(cached: CachedVotes, keys: np.ndarray, new: FunctionVotes) -> CachedVotes:
    """Old and new votes together, each row's once."""
    both, first = np.unique(np.concatenate([cached.keys, keys]), return_index=True)
    votes = np.concatenate([cached.votes, new.votes])[first]
    return CachedVotes(keys=both, votes=votes, error=new.error or cached.error)


def write_votes_file(file: Path, cached: CachedVotes) -> None:
    """Publish the votes as a whole file."""
    error = np.frombuffer(cached.error.encode("utf-8")[:500], dtype=np.uint8)
    with atomic(file) as unfinished:
        save_file({"keys": cached.keys, "votes": cached.votes, "error": error}, unfinished)
