"""Hands rows to people, each to one at a time, and takes their answers."""

from __future__ import annotations

import itertools
import json
import statistics
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from tilth.annotation.answer_counts import AnswerCounts, kind_of_answer
from tilth.annotation.answering import Sent, answers_of
from tilth.annotation.rows import NightRows, QueueLine
from tilth.errors import InputError
from tilth.samples import Source
from tilth.store.answers import Answer, Answers, Verdict

LEASE = 600.0
"""Seconds that a row is kept for whoever has it on the screen, or next to come."""
ASK_AGAIN = "ask_again"
_HEAD = 2000
"""Open rows that are looked at first for free ones."""
_PACE = 20
"""Answers by which the pace is measured."""


class Desk:
    """One night's queue, and whoever answers it; any number of threads may call it."""

    def __init__(self, rows: NightRows, answers: Answers) -> None:
        self.rows = rows
        self._answers = answers
        self._lock = threading.Lock()
        self._skipped: dict[str, dict[str, None]] = defaultdict(dict)
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_PACE))
        self._counts = AnswerCounts({task.name for task in rows.leaves})
        self._started = str(rows.run.record.get("started", ""))
        self._read_answers(answers.current())

    def _read_answers(self, current: pd.DataFrame) -> None:
        """Which rows are open still, and what was answered since the night."""
        queue, self._people = self.rows.queue, dict.fromkeys(self.rows.queue, 1)
        self._digests = {row_id: self.rows.digest(row_id) for row_id in queue}
        fresh = current[current["text_digest"].eq(current["row_id"].map(self._digests))]
        started = self._started
        before = fresh[fresh["at"] < started]
        for row_id, who in before.groupby("row_id")["who"].nunique().items():
            if queue[str(row_id)].detector == ASK_AGAIN:  # people differ: one more is asked
                self._people[str(row_id)] += int(who)
        unclear = fresh[fresh["verdict"].eq(Verdict.UNCLEAR) & (fresh["at"] >= started)]
        for row_id, who in unclear.groupby("row_id")["who"].nunique().items():
            self._people[str(row_id)] += int(who)
        counts = fresh.groupby("row_id")["who"].nunique().to_dict()
        self._open = {row_id: None for row_id, most in self._people.items() if counts.get(row_id, 0) < most}
        for line in current[current["at"] >= started].to_dict("records"):
            did = kind_of_answer(line["verdict"], line["label"], json.loads(line["shown"]))
            self._counts.add(line["step"], line["row_id"], line["task"], line["who"], did)
        self._steps = set(current["step"])

    @property
    def open_rows(self) -> list[str]:
        """Ids of the rows that still wait for an answer, in the order of the queue."""
        with self._lock:
            return list(self._open)

    def next(self, who: str, count: int, held: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Rows for a person, which nobody else has: the best of the queue first, those skipped last.

        Args:
            who: the person.
            count: how many are wanted.
            held: rows that the person's page has already.
        """
        passed, taken = {*held}, list[str]()
        for part in self._parts(who):
            pairs = [(row_id, self._digests[row_id]) for row_id in part if row_id not in passed]
            taken += self._answers.lease(pairs, who, LEASE, count=count - len(taken), people=self._people)
            if len(taken) == count:
                break
        return [self.item(row_id) for row_id in taken]

    def _parts(self, who: str) -> Iterator[list[str]]:
        """Open rows in the order in which a person gets them: the queue's head, what follows, and those skipped."""
        for start, stop in ((0, _HEAD), (_HEAD, None)):
            with self._lock:
                fresh = (row_id for row_id in self._open if row_id not in self._skipped[who])
                part = list(itertools.islice(fresh, start, stop))
            yield part
        with self._lock:
            part = [row_id for row_id in self._skipped[who] if row_id in self._open]
        yield part

    def take(self, who: str, row_id: str) -> dict[str, Any]:
        """One row of any kind, for a person who asked for it, with whether somebody else has it on the screen."""
        item = self.item(row_id)
        pair = [(row_id, self.rows.digest(row_id))]
        free = self._answers.lease(pair, who, LEASE, people=None)
        answered = any(one["who"] == who for one in self.answers_on(row_id))
        return {**item, "held": not free and not answered}

    def skip(self, who: str, row_id: str) -> None:
        """Give a row back; the person gets it again when nothing else is left."""
        self.rows.row(row_id)
        with self._lock:
            self._skipped[who].pop(row_id, None)
            self._skipped[who][row_id] = None
        self._answers.release([row_id], who)

    def answer(self, who: str, sent: Sent) -> dict[str, Any]:
        """Store what a person says of a row; it is on the disk when this returns.

        Raises:
            InputError: it cannot be understood; nothing was stored.
            RequestError: it cannot be written; nothing was stored.
        """
        answers = answers_of(sent, self.rows)
        self._answers.add(answers, who, sent.step)
        with self._lock:
            if sent.step not in self._steps:  # a page sends again what was not acknowledged; that is stored once
                self._steps.add(sent.step)
                self._take_in(sent, answers, who)
        return {"stored": len(answers), **self.progress(who)}

    def _take_in(self, sent: Sent, answers: Iterable[Answer], who: str) -> None:
        """Count an act, and close its row, unless it was unclear."""
        self._skipped[who].pop(sent.row_id, None)
        if sent.seconds is not None:
            self._seconds[who].append(sent.seconds)
        if any(one.verdict is Verdict.UNCLEAR for one in answers) and sent.row_id in self._people:  # another may know
            self._people[sent.row_id] += 1
        else:
            self._open.pop(sent.row_id, None)
        for one in answers:
            did = kind_of_answer(one.verdict, one.label, one.shown)
            self._counts.add(sent.step, one.row_id, one.task or "", who, did)

    def undo(self, who: str) -> dict[str, Any]:
        """Withdraw a person's last act, and give its row back to the person."""
        undone = self._answers.undo(who)
        if not undone:
            raise InputError(f"{who} has nothing to undo")
        main = next((one for one in undone if "answered_for" not in one["shown"]), undone[0])
        row_id = main["row_id"]
        closed = self._is_closed(row_id)
        with self._lock:
            for one in undone:
                self._counts.remove(one["step"], one["row_id"], one["task"], who)
            if row_id in self.rows.queue:
                unclear = any(one["verdict"] == Verdict.UNCLEAR for one in undone)
                self._people[row_id] -= unclear
                if not closed:
                    self._open = {row_id: None, **self._open}
        withdrawn = [one["label"] or one["verdict"] for one in undone if one["row_id"] == row_id]
        item = self.take(who, row_id) if row_id in self.rows.place else None
        return {"withdrawn": withdrawn, "item": item, **self.progress(who)}

    def item(self, row_id: str) -> dict[str, Any]:
        """A row as the page shows it, before what speaks for each label is there."""
        row, line = self.rows.row(row_id), self.rows.queue.get(row_id)
        parent = row.parent_id if row.parent_id in self.rows.place else None
        return {
            "id": row_id,
            "text": row.text,
            "picture": self.rows.has_picture(row_id),
            "split": row.split,
            "paraphrase": row.source == Source.PARAPHRASE,
            "parent": {"id": parent, "text": self.rows.text(parent)} if parent else None,
            "labels": dict(row.labels),
            "origins": dict(row.origins),
            "detector": line.detector if line else None,
            "reason": line.reason if line else None,
            "copies": [{"id": one, "text": self.rows.text(one)[:1000]} for one in self.rows.copies(row_id)],
            "likeliest": {task.name: self.rows.likeliest(row_id, task) for task in self.rows.leaves},
        }

    def answers_on(self, row_id: str) -> list[dict[str, Any]]:
        """The answers on a row, newest first, without what was undone."""
        names = ("who", "at", "task", "verdict", "label", "note")
        return [{name: one[name] for name in names} for one in self._standing(row_id)]

    def _standing(self, row_id: str) -> list[dict[str, Any]]:
        entries = self._answers.history(row_id, most=100)
        undone = {one["undoes"] for one in entries}
        return [one for one in entries if one["undoes"] is None and one["seq"] not in undone]

    def _is_closed(self, row_id: str) -> bool:
        """Whether somebody's last act on the row's text since the night stands, and leaves nothing unclear."""
        last: dict[str, str] = {}
        unclear = set()
        for one in self._standing(row_id):
            of_night = one["at"] >= self._started and one["text_digest"] == self.rows.digest(row_id)
            if of_night and last.setdefault(one["who"], one["step"]) == one["step"]:
                unclear |= {one["who"]} if one["verdict"] == Verdict.UNCLEAR else set()
        return bool(last.keys() - unclear)

    def queue(self, start: int, count: int) -> dict[str, Any]:
        """A piece of the queue, in order, with what each row was answered."""
        lines = list(itertools.islice(self.rows.queue.values(), start, start + count))
        with self._lock:
            is_open = {line.row_id: line.row_id in self._open for line in lines}
        return {
            "total": len(self.rows.queue),
            "rows": [{**self._line(line.row_id), **_why(line), "open": is_open[line.row_id]} for line in lines],
        }

    def search(self, words: str) -> dict[str, Any]:
        """Rows of the night whose text holds these words."""
        ids, total = self.rows.search(words)
        return {"total": total, "rows": [self._line(row_id) for row_id in ids]}

    def _line(self, row_id: str) -> dict[str, Any]:
        row, leaf = self.rows.row(row_id), self.rows.leaves[-1].name
        return {
            "id": row_id,
            "text": row.text[:300],
            "label": row.labels.get(leaf),
            "origin": row.origins.get(leaf),
            "split": row.split,
        }

    def progress(self, who: str) -> dict[str, Any]:
        """How much is answered, how fast, and what it has set right so far."""
        with self._lock:
            seconds = self._seconds[who]
            pace = 60 / max(statistics.median(seconds), 0.1) if seconds else None
            total, left = len(self.rows.queue), len(self._open)
            gain, mine = self._counts.gain, self._counts.rows_answered_by(who)
        return {"total": total, "left": left, "mine": mine, "pace": pace, "gain": gain}


def _why(line: QueueLine) -> dict[str, Any]:
    return {"reason": line.reason, "detector": line.detector, "suggested": next(iter(line.belief), (None,))[0]}
