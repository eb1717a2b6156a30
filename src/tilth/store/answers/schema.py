"""The tables of `labels.sqlite`, their version, and how a file of an older tilth becomes one of this."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from tilth.errors import RequestError

VERSION = 2
"""Of the tables below; to change them, raise it by one and add the step to `MIGRATIONS`."""

_TABLES = """
CREATE TABLE answers (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  step TEXT NOT NULL,
  row_id TEXT NOT NULL,
  text_digest TEXT NOT NULL,
  task TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL,
  label TEXT,
  who TEXT NOT NULL,
  at TEXT NOT NULL,
  shown TEXT NOT NULL DEFAULT '{}',
  note TEXT,
  undoes INTEGER UNIQUE REFERENCES answers (seq)
);
CREATE INDEX answers_by_row ON answers (row_id, text_digest, who);
CREATE INDEX answers_by_step ON answers (step);
CREATE INDEX answers_by_person ON answers (who, seq);
CREATE TABLE texts (text_digest TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (row_id TEXT PRIMARY KEY, who TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""

GUARDS = {
    "answers_stay": "CREATE TRIGGER answers_stay BEFORE DELETE ON answers "
    "BEGIN SELECT RAISE(ABORT, 'an answer is never deleted: undo adds one'); END",
    "answers_stand": "CREATE TRIGGER answers_stand BEFORE UPDATE ON answers "
    "BEGIN SELECT RAISE(ABORT, 'an answer is never changed: a changed mind adds one'); END",
}
"""Whatever reaches the file, this tilth or a person's own SQL, only ever adds; `forget` alone lifts the first."""


def prepare(connection: sqlite3.Connection, path: Path) -> int | None:
    """Make the tables, or migrate those of an older tilth, in one transaction.

    Returns:
        The version that was migrated from; None where nothing was to be done.

    Raises:
        RequestError: the file is of a newer tilth, or no file of answers.
    """
    present = version(connection, path)
    if present == VERSION:
        return None
    connection.execute("BEGIN IMMEDIATE")
    try:
        present = version(connection, path)  # somebody else may have made them just now
        if present == 0:
            _make_tables(connection)
            connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
            connection.execute("INSERT INTO schema_version VALUES (?)", [VERSION])
            for guard in GUARDS.values():
                connection.execute(guard)
        for step in range(present or VERSION, VERSION):
            MIGRATIONS[step](connection)
            connection.execute("UPDATE schema_version SET version = ?", [step + 1])
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return present if 0 < present < VERSION else None


def version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a file's tables; 0 where there are none.

    Raises:
        RequestError: the file is of a newer tilth, or no file of answers.
    """
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names:
        return 0
    if "schema_version" not in names:
        raise RequestError(
            f"{path} is an SQLite database, but none of answers (its tables: {', '.join(sorted(names)[:5])}); move it "
            "out of the way"
        )
    number = int(connection.execute("SELECT max(version) FROM schema_version").fetchone()[0])
    if number > VERSION:
        raise RequestError(
            f"{path} was written by a newer tilth (its tables have version {number}, this tilth knows {VERSION} and "
            "older); upgrade tilth: pip install -U tilth. Nothing was changed"
        )
    return number


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make them within the transaction that is open, which `executescript` would end."""
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)


def _from_1(connection: sqlite3.Connection) -> None:
    """Version 1 had neither steps, nor what was shown, nor notes, texts and leases; a text's verdict had task NULL."""
    for index in ("answers_by_row", "answers_by_person"):
        connection.execute(f"DROP INDEX IF EXISTS {index}")
    connection.execute("ALTER TABLE answers RENAME TO answers_1")
    _make_tables(connection)
    connection.execute(
        "INSERT INTO answers (seq, step, row_id, text_digest, task, verdict, label, who, at, undoes) "
        "SELECT seq, 'version-1-' || seq, row_id, text_digest, coalesce(task, ''), verdict, label, who, at, undoes "
        "FROM answers_1 ORDER BY seq"
    )
    connection.execute("DROP TABLE answers_1")
    for guard in GUARDS.values():
        connection.execute(guard)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _from_1}
"""Version → what makes the next one of it."""
