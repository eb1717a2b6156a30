"""What a night asks, and all its rows, as the page needs them: read once, when the page is started."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tilth import samples as table
from tilth.errors import InputError
from tilth.io import read_rows
from tilth.io.answers import QUEUE, group_ids, shown_of_rows
from tilth.reports import Thumbnails
from tilth.samples import Source, Task
from tilth.store import Run, newest_table, read_table
from tilth.text import digest, normal_form

KEYS = 9
"""Labels that have a key of their own, 1 to 9."""
_SIDE = 480
"""Pixels of the square that a picture on the page fits into."""
_BELIEF = re.compile(r"(.+?) ([01]\.\d\d)(?: · |$)")


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """One line of the queue.

    Attributes:
        row_id: the row.
        detector: which source asks, one word.
        reason: why, a sentence.
        belief: labels of the finest task with their probability, likeliest first.
        suggested: task → the label that tilth believes.
        group: ids of near copies that an answer stands for too.
    """

    row_id: str
    detector: str
    reason: str
    belief: tuple[tuple[str, float], ...]
    suggested: Mapping[str, str]
    group: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the night's table, as far as every view of the page needs it."""

    row_id: str
    text: str
    split: str
    source: str
    parent_id: str | None
    labels: Mapping[str, str]
    origins: Mapping[str, str]


@dataclass
class NightRows:
    """The rows of one night.

    Attributes:
        run: the night.
        tasks: what it classifies, parents before children.
        queue: its queue, in order.
        frame: its rows: `id`, `text`, `split`, `source`, `parent_id`, and each task's label and origin.
    """

    run: Run
    tasks: tuple[Task, ...]
    queue: dict[str, QueueLine]
    frame: pd.DataFrame
    _shown: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _forms: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._thumbnails = Thumbnails(self.run.record, _SIDE)
        self.place = {row_id: place for place, row_id in enumerate(self.frame["id"])}
        self.texts: list[str] = self.frame["text"].tolist()
        parents = {task.parent for task in self.tasks}
        self.leaves = tuple(task for task in self.tasks if task.name not in parents)
        self.frequent = {task.name: _by_frequency(self.frame[task.name], task) for task in self.tasks}

    def task(self, name: str) -> Task | None:
        """The task of that name."""
        return next((task for task in self.tasks if task.name == name), None)

    def row(self, row_id: str) -> Row:
        """One row of any kind.

        Raises:
            InputError: the night has no such row.
        """
        if row_id not in self.place:
            raise InputError(f'run {self.run.path.name} has no row "{row_id[:80]}"; search for its text')
        line = self.frame.iloc[self.place[row_id]]
        return Row(
            row_id=row_id,
            text=str(line["text"]),
            split=str(line["split"]),
            source=str(line["source"]),
            parent_id=line["parent_id"] if line["source"] == Source.PARAPHRASE else None,
            labels={task.name: line[task.name] for task in self.tasks if pd.notna(line[task.name])},
            origins={
                task.name: line[f"{task.name}_origin"] for task in self.tasks if pd.notna(line[f"{task.name}_origin"])
            },
        )

    def text(self, row_id: str) -> str:
        """The row's text."""
        return self.texts[self.place[row_id]]

    def has_picture(self, row_id: str) -> bool:
        """Whether a picture stands beside the row's text, or in its place."""
        return "picture_path" in self.frame and isinstance(self.frame["picture_path"].iloc[self.place[row_id]], str)

    def picture(self, row_id: str) -> bytes | None:
        """The row's picture as JPEG of a moderate size; None where it has none, or none that can be shown."""
        if row_id not in self.place or not self.has_picture(row_id):
            return None
        line = self.frame.iloc[self.place[row_id]]
        return self._thumbnails.of(line["picture_path"], line["picture_digest"])

    def digest(self, row_id: str) -> str:
        """Digest of the row's text, by which its answers are known."""
        return digest(self.text(row_id))

    def copies(self, row_id: str) -> tuple[str, ...]:
        """The near copies that an answer on a queued row stands for too."""
        line = self.queue.get(row_id)
        return tuple(one for one in line.group if one in self.place) if line else ()

    def shown(self, row_id: str) -> Mapping[str, Mapping[str, Any]]:
        """Task → what the night believes of the row, as it is stored with an answer."""
        with self._lock:
            if row_id not in self._shown:
                self._shown |= shown_of_rows(self.run, [row_id])
            return self._shown.get(row_id, {})

    def likeliest(self, row_id: str, task: Task) -> list[dict[str, Any]]:
        """The labels that number keys choose: what tilth believes, then whatever speaks for any other label.

        They are the same for as long as the page runs, so that no key changes its meaning under a finger.
        """
        line, shown = self.queue.get(row_id), self.shown(row_id).get(task.name, {})
        sure = dict(line.belief) if line and task == self.leaves[-1] else {}
        candidates = [*sure, line.suggested.get(task.name) if line else None]
        candidates += [shown.get(name) for name in ("label", "suggested", "weak", "given")]
        candidates += shown.get("functions", {}).values()
        likely = [label for label in dict.fromkeys(candidates) if label in task.labels]
        above = set(task.parents(likely[0])) if likely else set()
        siblings = [label for label in self.frequent[task.name] if above & set(task.parents(label))]
        order = list(dict.fromkeys([*likely, *siblings, *self.frequent[task.name]]))[: max(KEYS, len(likely))]
        return [
            {"label": label, "under": " / ".join(task.parents(label)), "probability": sure.get(label)}
            for label in order[:KEYS]
        ]

    def search(self, words: str, most: int = 50) -> tuple[list[str], int]:
        """Ids of rows whose text holds these words, or whose id begins so, and how many there are in all."""
        with self._lock:
            if not self._forms:
                self._forms = [normal_form(text) for text in self.texts]
        form, start = normal_form(words), words.strip()
        ids = self.frame["id"].tolist()
        matches = [
            row_id
            for row_id, text in zip(ids, self._forms, strict=True)
            if (form and form in text) or (start and row_id.startswith(start))
        ]
        return matches[:most], len(matches)


def read_night_rows(run: Run) -> NightRows:
    """Read a night's queue and its table.

    Raises:
        RequestError: it has no queue, or no table any more.
    """
    tasks = tuple(Task.from_json(task) for task in run.record["tasks"])
    frame = table.to_pandas(read_table(newest_table(run.path)))
    columns = ["id", "text", "split", "source", "parent_id"]
    columns += [name for name in ("picture_path", "picture_digest") if name in frame]
    for task in tasks:
        columns += [name for name in (task.name, f"{task.name}_origin") if name in frame]
    frame = frame[columns].reset_index(drop=True)
    for task in tasks:
        for name in (task.name, f"{task.name}_origin"):
            if name not in frame:
                frame[name] = None
    queue, _ = read_rows(QUEUE, run.path)
    there = set(frame["id"])
    lines = [_queue_line(line, tasks) for line in queue.to_dict("records")]
    queue_lines = {line.row_id: line for line in lines if line.row_id in there}
    ids = [*queue_lines, *(one for line in queue_lines.values() for one in line.group)]
    return NightRows(run=run, tasks=tasks, queue=queue_lines, frame=frame, _shown=shown_of_rows(run, ids))


def _queue_line(line: Mapping[Any, Any], tasks: Sequence[Task]) -> QueueLine:
    belief = [(label, float(sure)) for label, sure in _BELIEF.findall(_cell(line, "belief"))]
    suggested = {task.name: _cell(line, f"{task.name}_suggested") for task in tasks}
    return QueueLine(
        row_id=_cell(line, "id"),
        detector=_cell(line, "detector"),
        reason=_cell(line, "reason"),
        belief=tuple(belief),
        suggested={name: label for name, label in suggested.items() if label},
        group=group_ids(line.get("group")),
    )


def _cell(line: Mapping[Any, Any], name: str) -> str:
    value = line.get(name)
    return str(value) if pd.notna(value) else ""


def _by_frequency(labels: Iterable[object], task: Task) -> list[str]:
    counts = Counter(labels)
    return sorted(task.labels, key=lambda label: -counts[label])
