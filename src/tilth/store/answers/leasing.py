"""Which rows a person may have next, such that nobody else has one of them."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence

_CHUNK = 256
"""Rows that are looked at in one query: the first free ones stand near the head of a queue."""

_FREE = """
WITH wanted AS MATERIALIZED (
  SELECT key AS place, json_extract(value, '$[0]') AS row_id, json_extract(value, '$[1]') AS text_digest,
    json_extract(value, '$[2]') AS most
  FROM json_each(:rows)
)
SELECT w.row_id, w.most, a.who
FROM wanted w
LEFT JOIN leases l ON l.row_id = w.row_id
LEFT JOIN answers a ON a.row_id = w.row_id AND a.text_digest = w.text_digest AND a.verdict != 'undo'
  AND NOT EXISTS (SELECT 1 FROM answers u WHERE u.undoes = a.seq)
WHERE l.row_id IS NULL OR l.who = :who OR l.until < :now
ORDER BY w.place
"""


def lease(
    connection: sqlite3.Connection,
    rows: Sequence[tuple[str, str]],
    who: str,
    now: float,
    seconds: float,
    count: int,
    people: int | Mapping[str, int] | None,
) -> list[str]:
    """See `Answers.lease`; within the transaction that is open."""
    taken: list[str] = []
    for start in range(0, len(rows), _CHUNK):
        part = [[row_id, digest, _most(people, row_id)] for row_id, digest in rows[start : start + _CHUNK]]
        parameters = {"rows": json.dumps(part), "who": who, "now": now}
        answered: dict[str, tuple[int | None, set[str]]] = {}
        for row_id, most, other in connection.execute(_FREE, parameters).fetchall():
            answered.setdefault(row_id, (most, set()))[1].update([other] if other is not None else [])
        free = (row for row, (most, by) in answered.items() if who not in by and (most is None or len(by) < most))
        taken += itertools.islice(free, count - len(taken))
        if len(taken) == count:
            break
    connection.executemany(
        "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", [(one, who, now + seconds) for one in taken]
    )
    return taken


def _most(people: int | Mapping[str, int] | None, row_id: str) -> int | None:
    return people.get(row_id, 1) if isinstance(people, Mapping) else people
