"""Votes kept from night to night: a file a function, in it a vote a row, so that only what is new is asked."""

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
from tilth.weak_supervision.voting.applier import Cast

log = logging.getLogger(__name__)

_SEEN = "2"
"""Changes with what a row offers to a function, so that no vote is kept that another kind of row would not get."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the cache holds of one function's votes.

    Attributes:
        keys: of the rows, as `rows.keys_of` gives them, in ascending order.
        votes: as in `Cast`.
        error: as in `Cast`.
    """

    keys: np.ndarray
    votes: np.ndarray
    error: str

    def missing(self, rows: Keys) -> np.ndarray:
        """Positions of the rows without a vote, one of those that are alike, int64."""
        if np.array_equal(self.keys, rows.unique):
            return np.zeros(0, dtype=np.int64)
        return np.sort(rows.first[~np.isin(rows.unique, self.keys, assume_unique=True)])

    def of(self, rows: Keys) -> Cast:
        """The votes of rows that all have one."""
        same = np.array_equal(self.keys, rows.unique)
        held = self.votes if same else self.votes[np.searchsorted(self.keys, rows.unique)]
        return Cast(votes=held[rows.inverse], error=self.error)


@dataclass(frozen=True, kw_only=True)
class Keys:
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
    def of(cls, keys: np.ndarray) -> Keys:
        """Sort the keys that `rows.keys_of` gives."""
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return cls(keys=keys, unique=unique, first=first, inverse=inverse)


NOTHING = Known(keys=np.zeros(0, dtype=np.uint64), votes=np.zeros(0, dtype=np.int16), error="")


def file_of(cache: Cache | None, function: LoadedFunction, task: Task, encoder: str) -> Path | None:
    """Where a function's votes are kept; None where they are not."""
    if cache is None or function.key is None:
        return None
    key = digest("\x1f".join([_SEEN, function.key, encoder, str(task.fixed), *task.labels]))
    return cache.folder("votes", key).with_suffix(".safetensors")


def read(file: Path | None) -> Known:
    """The votes held in a file; none where there is no file, or a damaged one."""
    if file is None or not file.exists():
        return NOTHING
    try:
        held = load_file(file)
        used(file)
        return Known(keys=held["keys"], votes=held["votes"], error=held["error"].tobytes().decode("utf-8", "replace"))
    except (SafetensorError, OSError, KeyError) as error:
        log.warning("cache file %s is damaged (%s): the votes are asked again", file.name, error)
        return NOTHING


def merge(known: Known, keys: np.ndarray, new: Cast) -> Known:
    """Old and new votes together, each row's once."""
    both, first = np.unique(np.concatenate([known.keys, keys]), return_index=True)
    votes = np.concatenate([known.votes, new.votes])[first]
    return Known(keys=both, votes=votes, error=new.error or known.error)


def write(file: Path, known: Known) -> None:
    """Publish the votes as a whole file."""
    error = np.frombuffer(known.error.encode("utf-8")[:500], dtype=np.uint8)
    with atomic(file) as beside:
        save_file({"keys": known.keys, "votes": known.votes, "error": error}, beside)
