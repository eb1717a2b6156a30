"""Errors that tilth raises on purpose; each message says what was found, what was expected and the fix."""

from __future__ import annotations

import difflib
import errno
import re
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


def error_in_words(error: BaseException) -> str:
    """An error as a person reads it: tilth's own as it stands, a full disk and a missing right by name, others by kind.

    >>> error_in_words(OSError(28, "No space left on device", "data/x"))
    'the disk is full (data/x: No space left on device); free some room and run the same command again'
    >>> error_in_words(PermissionError(13, "Permission denied", "data/x"))
    'data/x: Permission denied; give yourself the right to it and run the same command again'
    >>> error_in_words(KeyError("area"))
    "KeyError: 'area'"
    """
    if isinstance(error, TilthError):
        return str(error)
    if disk_is_full(error):
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return f"the disk is full ({where}{words}); free some room and run the same command again"
    if isinstance(error, OSError) and error.filename and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename}: {error.strerror}; give yourself the right to it and run the same command again"
    return f"{type(error).__name__}: {error}"


def disk_is_full(error: BaseException) -> bool:
    """Whether an error, of whatever library, says that there is no room left.

    >>> disk_is_full(RuntimeError("write failed (os error 28)")), disk_is_full(OSError(13, "Permission denied"))
    (True, False)
    """
    words = ("os error 28)", "no space left on device", "disk is full")
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    return full or any(each in str(error).lower() for each in words)


def did_you_mean(found: str, valid: Iterable[str]) -> str:
    """Name the nearest valid word, or list them where none is near, the first ones where they are many.

    >>> did_you_mean("cleening", ["cleaning", "training"])
    'did you mean "cleaning"?'
    >>> did_you_mean("change_pin", ["exchange_rate", "pin_change"])
    'did you mean "pin_change"?'
    >>> did_you_mean("xyz", ["b", "a"])
    'valid: a, b'
    """
    words = sorted(set(valid))
    turned = [word for word in words if sorted(re.split(r"[\W_]+", word)) == sorted(re.split(r"[\W_]+", found))]
    near = turned or difflib.get_close_matches(found, words, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    more = f" and {len(words) - _LISTED:,} more" if len(words) > _LISTED else ""
    return f"valid: {', '.join(words[:_LISTED]) or 'none'}{more}"
