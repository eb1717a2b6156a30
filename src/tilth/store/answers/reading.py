"""What stands in the file of answers: the answers in force, all that was ever said, and who said it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pandas as pd

from tilth.store.answers.answer import UNDO
from tilth.store.answers.connection import copy
from tilth.store.answers.entries import COLUMNS, IN_FORCE, records
from tilth.store.answers.failures import damaged, explained
from tilth.store.files import digest

_NEWEST = 2**62


class AnswerReader:
    """An open file of answers, and every question to it that changes nothing; threads may share it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, migrated_from: int | None) -> None:
        self.path = path
        self.migrated_from = migrated_from
        self._connection = connection
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Answers {self.path}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def current(self, until: int | None = None) -> pd.DataFrame:
        """The answers in force, oldest first: of each person the last one on each text and task that is not undone.

        A person's "junk" or "wrong paraphrase" (task "") is in force until the same person says more of the text.

        Args:
            until: as of this place in the file (`last`); None: now.

        Returns:
            A frame with `COLUMNS`; `shown` is JSON.
        """
        with self._reading() as connection:
            rows = connection.execute(IN_FORCE, {"until": _NEWEST if until is None else until}).fetchall()
        return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object).astype({"seq": "int64"})

    def history(self, row_id: str | None = None, who: str | None = None, most: int = 1000) -> list[dict[str, Any]]:
        """What was answered, undone answers among it, newest first; `shown` as plain data.

        Args:
            row_id: of this row alone.
            who: by this person alone.
            most: how many at most.
        """
        where = " AND ".join(f"{name} = :{name}" for name, value in (("row_id", row_id), ("who", who)) if value)
        sql = f"SELECT * FROM answers{' WHERE ' + where if where else ''} ORDER BY seq DESC LIMIT :most"
        with self._reading() as connection:
            return records(connection.execute(sql, {"row_id": row_id, "who": who, "most": most}))

    def texts(self, digests: Iterable[str]) -> dict[str, str]:
        """Text digest → the text that people saw."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT text_digest, text FROM texts WHERE text_digest IN (SELECT value FROM json_each(?))",
                [json.dumps(list(digests))],
            )
            return dict(rows.fetchall())

    def people(self) -> dict[str, int]:
        """Who has answered → how many answers, undone ones too."""
        with self._reading() as connection:
            return dict(
                connection.execute(
                    "SELECT who, count(*) FROM answers WHERE verdict != ? GROUP BY who ORDER BY who", [UNDO]
                ).fetchall()
            )

    def last(self) -> int:
        """The place of the newest entry; 0 where there is none."""
        with self._reading() as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM answers").fetchone()[0])

    def __len__(self) -> int:
        with self._reading() as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])

    def digest(self, until: int | None = None) -> str:
        """Digest of all that was answered and undone, whatever the pages of the file."""
        sql = (
            "SELECT seq, row_id, text_digest, task, verdict, label, who, at, shown, undoes FROM answers WHERE seq <= ?"
        )
        with self._reading() as connection:
            rows = connection.execute(f"{sql} ORDER BY seq", [_NEWEST if until is None else until]).fetchall()
        return digest(*(json.dumps(row, ensure_ascii=False) for row in rows))

    def check(self) -> None:
        """Read the file through.

        Raises:
            DamagedFileError: it is not whole.
        """
        with self._reading() as connection:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise damaged(self.path, result)

    def copy_to(self, target: Path) -> None:
        """Write a whole copy of the file, by SQLite's own backup, while others may go on adding."""
        with self._reading() as connection, explained(target):
            copy(connection, target)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            yield self._connection
