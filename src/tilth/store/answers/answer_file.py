"""The file of answers: what is added to it, withdrawn, leased out and removed."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tilth.errors import InputError, RequestError
from tilth.store.answers import leasing, schema
from tilth.store.answers.answer import UNDO, Answer, annotator
from tilth.store.answers.connection import connect, keep_as_it_was
from tilth.store.answers.entries import insert, records
from tilth.store.answers.failures import explained
from tilth.store.answers.reading import AnswerReader
from tilth.store.runs import now


class Answers(AnswerReader):
    """Every answer that people ever gave, in one SQLite file (WAL); any number of processes and threads may add.

    An answer is on the disk when `add` returns: neither `kill -9` nor a power cut loses it.
    """

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Answers:
        """Open the file, which is made where there is none, or migrated where an older tilth wrote it.

        Args:
            path: `data/labels.sqlite`.
            read_only: the file is read as it is, and must be there.

        Raises:
            RequestError: it was written by a newer tilth, or cannot be written or, for reading, is not there.
            DamagedFileError: it is no database, or half of one.
        """
        if read_only and not path.exists():
            raise RequestError(f"no file of answers at {path}; nobody has answered yet")
        with explained(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RequestError(f"{path.parent} cannot be made ({error.strerror}); make it writable") from None
            connection = connect(path, read_only=read_only)
            try:
                before = schema.version(connection, path)
                if before != schema.VERSION and read_only:
                    raise RequestError(
                        f"{path} has tables of version {before}; run a night, which brings it up to date"
                    )
                if 0 < before < schema.VERSION:
                    keep_as_it_was(connection, path, before)
                return cls(path, connection, schema.prepare(connection, path))
            except BaseException:
                connection.close()
                raise

    def add(self, answers: Sequence[Answer], who: str, step: str | None = None) -> list[int]:
        """Store answers that a person gave at once (tasks of a row, a group of copies): all of them, or none.

        Args:
            answers: what is said.
            who: the person.
            step: a name for the act, unique, such as a UUID: to add the same step again adds nothing, so that a page
                may send again what was not acknowledged.

        Returns:
            Their places in the file, in order.

        Raises:
            InputError: nothing to add, an annotator without a name, or a step that another person took.
            RequestError: the file cannot be written; nothing was.
        """
        who, step = annotator(who), step or uuid.uuid4().hex
        if not answers:
            raise InputError("no answer to store")
        with self._writing() as connection:
            before = connection.execute("SELECT seq, who FROM answers WHERE step = ? ORDER BY seq", [step]).fetchall()
            if before:
                if before[0][1] != who:
                    raise InputError(f'the step "{step}" is one of {before[0][1]}; give a new name to each step')
                return [seq for seq, _ in before]
            return insert(connection, answers, who, step)

    def add_all(self, given: Mapping[str, Sequence[Answer]]) -> None:
        """Store what several people answered, each as a step: all of it, or nothing.

        Raises:
            InputError: an annotator without a name.
            RequestError: the file cannot be written; nothing was.
        """
        with self._writing() as connection:
            for who, answers in given.items():
                insert(connection, answers, annotator(who), uuid.uuid4().hex)

    def undo(self, who: str, step: str | None = None) -> list[dict[str, Any]]:
        """Withdraw what a person answered last, or in one step; what the same person had said before is in force again.

        Returns:
            The answers withdrawn, as `history` gives them; none where there is nothing to undo.
        """
        who = annotator(who)
        with self._writing() as connection:
            open_ones = (
                "FROM answers a WHERE who = :who AND verdict != :undo "
                "AND NOT EXISTS (SELECT 1 FROM answers u WHERE u.undoes = a.seq)"
            )
            named: dict[str, Any] = {"who": who, "undo": UNDO, "step": step}
            if step is None:
                last = connection.execute(f"SELECT step {open_ones} ORDER BY seq DESC LIMIT 1", named).fetchone()
                if last is None:
                    return []
                named["step"] = last[0]
            undone = records(connection.execute(f"SELECT * {open_ones} AND step = :step ORDER BY seq", named))
            act, at = uuid.uuid4().hex, now("milliseconds")
            for one in undone:
                copied = [act, one["row_id"], one["text_digest"], one["task"], UNDO, who, at, one["seq"]]
                connection.execute(
                    "INSERT INTO answers (step, row_id, text_digest, task, verdict, who, at, undoes) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    copied,
                )
        return undone

    def lease(
        self,
        rows: Sequence[tuple[str, str]],
        who: str,
        seconds: float,
        *,
        count: int = 1,
        people: int | Mapping[str, int] | None = 1,
    ) -> list[str]:
        """Take the first rows that nobody else is at, for some time; two people never hold one row at once.

        Args:
            rows: ids with text digests (`tilth.text.digest`), the most wanted first.
            who: the person; what this person holds already is given again.
            seconds: until another may take them.
            count: how many rows are wanted.
            people: rows that so many others have answered are passed over; for some rows another number, by id; None:
                any number. A row that `who` has answered is passed over in any case.

        Returns:
            Ids, in order; fewer than `count` where no more are free.
        """
        who = annotator(who)
        with self._writing() as connection:
            return leasing.lease(connection, rows, who, time.time(), seconds, count, people)

    def release(self, row_ids: Iterable[str], who: str) -> None:
        """Give leased rows back; rows of others stay theirs."""
        who = annotator(who)
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM leases WHERE row_id = ? AND who = ?", [(row_id, who) for row_id in row_ids]
            )

    def forget(self, row_ids: Iterable[str]) -> int:
        """Remove every answer on these rows, with what they show of the texts; the one way in which answers go.

        Returns:
            How many entries were removed.
        """
        ids = json.dumps(list(row_ids))
        with self._lock, explained(self.path):
            self._connection.execute("PRAGMA secure_delete = ON")
            with self._writing() as connection:
                connection.execute("DROP TRIGGER answers_stay")
                wanted = "row_id IN (SELECT value FROM json_each(?))"
                # An undo of one of them is about the same row, so that it goes with it.
                removed = connection.execute(f"DELETE FROM answers WHERE {wanted}", [ids]).rowcount
                connection.execute(schema.GUARDS["answers_stay"])
                connection.execute(f"DELETE FROM leases WHERE {wanted}", [ids])
                connection.execute("DELETE FROM texts WHERE text_digest NOT IN (SELECT text_digest FROM answers)")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.execute("VACUUM")  # else free pages would hold what was removed
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(removed)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that has the file for itself; all of it is on the disk at the end, or nothing."""
        with self._lock, explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
