"""What SQLite says of a file that it cannot read or write, in words that name the fix."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tilth.errors import DamagedFileError, RequestError, WorkspaceBusyError

BACKUPS = "backups"
"""The folder beside the file that holds its dated copies."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Errors of SQLite as errors of tilth; what had been acknowledged before stays as it is.

    Raises:
        DamagedFileError: the file is no database any more.
        WorkspaceBusyError: somebody else held it for too long.
        RequestError: it cannot be written: a full disk, a folder or file that may only be read.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(path, str(error)) from error
        if code == sqlite3.SQLITE_FULL:
            raise RequestError(
                f"{path}: no room left on the disk, so that this answer is not stored (all earlier ones are); make "
                "room, then answer again"
            ) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise RequestError(
                f"{path} cannot be written ({error}); make the file and its folder {path.parent} writable: answers "
                "would be lost otherwise"
            ) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise WorkspaceBusyError(f"{path}: another process kept it locked too long ({error}); try again") from error
        if code == sqlite3.SQLITE_IOERR:
            raise RequestError(f"{path}: the disk gave an error ({error}); this answer is not stored") from error
        raise


def damaged(path: Path, what: str) -> DamagedFileError:
    """The error of a file that is no whole database, with the newest copy to put in its place."""
    copies = sorted((path.parent / BACKUPS).glob(f"{path.stem}-*{path.suffix}"))
    fix = f"put its newest backup in its place: cp {copies[-1]} {path}" if copies else "there is no backup of it"
    return DamagedFileError(
        f"{path} is damaged ({' '.join(what.split())}); keep it under another name (with {path.name}-wal and "
        f"{path.name}-shm, if there are such), then {fix}"
    )
