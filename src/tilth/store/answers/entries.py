"""The entries of the file: how they are written, read, and which of them are in force."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from tilth.store.answers.answer import UNDO, Answer
from tilth.store.runs import now
from tilth.text import clean_label
from tilth.text import digest as text_digest

COLUMNS = ("seq", "step", "row_id", "text_digest", "task", "verdict", "label", "who", "at", "shown", "note")
"""Of `Answers.current`: the place in the file, the step that it was given in, then as in `Answer`; `at` is UTC."""

IN_FORCE = f"""
WITH standing AS (
  SELECT a.*, row_number() OVER (PARTITION BY a.row_id, a.text_digest, a.task, a.who ORDER BY a.seq DESC) AS age
  FROM answers a LEFT JOIN answers u ON u.undoes = a.seq AND u.seq <= :until
  WHERE a.verdict != '{UNDO}' AND u.seq IS NULL AND a.seq <= :until
)
SELECT {", ".join(COLUMNS)} FROM standing s WHERE age = 1 AND NOT (
  s.task = '' AND EXISTS (SELECT 1 FROM standing l WHERE l.row_id = s.row_id AND l.text_digest = s.text_digest
                          AND l.who = s.who AND l.task != '' AND l.age = 1 AND l.seq > s.seq)
) ORDER BY seq
"""


def insert(connection: sqlite3.Connection, answers: Sequence[Answer], who: str, step: str) -> list[int]:
    """Add one step of a person, within the transaction that is open, and return the places."""
    texts, places = {text_digest(answer.text): answer.text for answer in answers}, []
    connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", texts.items())
    for answer in answers:
        row = (
            step,
            answer.row_id,
            text_digest(answer.text),
            answer.task or "",
            answer.verdict.value,
            None if answer.label is None else clean_label(answer.label),
            who,
            now("milliseconds"),
            json.dumps(dict(answer.shown), ensure_ascii=False, sort_keys=True, default=str),
            answer.note,
        )
        places.append(int(connection.execute(_INSERT, row).lastrowid or 0))
    ids = {answer.row_id for answer in answers}
    connection.executemany("DELETE FROM leases WHERE row_id = ? AND who = ?", [(row_id, who) for row_id in ids])
    return places


_INSERT = (
    "INSERT INTO answers (step, row_id, text_digest, task, verdict, label, who, at, shown, note) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def records(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """The rows of a query as plain data."""
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [{**one, "shown": json.loads(one["shown"])} for one in rows]
