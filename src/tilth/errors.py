"""Errors that tilth raises on purpose; each message says what was found, what was expected and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 30
"""Valid words that a message names at most."""


class TilthError(Exception):
    """Base of every error that tilth raises; `exit_status` is what the command line returns for it."""

    exit_status = 1


class RequestError(TilthError):
    """The request was wrong, and nothing was written: a bad option, a bad path, unusable input."""

    exit_status = 2


class ConfigError(RequestError):
    """`tilth.toml` or a `--set` holds an unknown key or a value out of range."""


class InputError(RequestError):
    """An input file is missing, unreadable, or has no usable row."""


class DamagedFileError(RequestError, ValueError):
    """A file that tilth wrote cannot be read any more: half of it is gone, or somebody edited it."""


class WorkspaceBusyError(RequestError):
    """Another night holds the workspace's lock."""


class ContractError(TilthError):
    """A stage broke its contract: wrote a column that it does not own, lost a row, and so on."""


class StageError(TilthError):
    """A stage failed; the run stands on disk up to the stage before and can be resumed."""


def did_you_mean(found: str, valid: Iterable[str]) -> str:
    """Name the nearest valid word, or list them where none is near, the first ones where they are many.

    >>> did_you_mean("cleening", ["cleaning", "training"])
    'did you mean "cleaning"?'
    >>> did_you_mean("xyz", ["b", "a"])
    'valid: a, b'
    """
    words = sorted(set(valid))
    near = difflib.get_close_matches(found, words, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    more = f" and {len(words) - _LISTED:,} more" if len(words) > _LISTED else ""
    return f"valid: {', '.join(words[:_LISTED]) or 'none'}{more}"
