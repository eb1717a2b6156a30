"""A connection to the file of answers, and whole copies of it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a writer waits for the others; one answer takes some milliseconds."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection whose every commit is on the disk before it returns, and which waits for other writers."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not read_only:
            _to_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _to_wal(connection: sqlite3.Connection) -> None:
    """Change the journal, for which SQLite does not wait where several open a new file at once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def copy(connection: sqlite3.Connection, target: Path) -> None:
    """Write a whole copy, one file without a journal beside it, while others may go on adding."""
    target.parent.mkdir(parents=True, exist_ok=True)
    other = sqlite3.connect(target)
    try:
        connection.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
    finally:
        other.close()


def keep_as_it_was(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy of an older tilth's file, before it is migrated."""
    target = path.with_name(f"{path.stem}-version-{version}{path.suffix}")
    if not target.exists():
        copy(connection, target)
