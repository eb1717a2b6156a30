"""A run's folder as the page reads it: what is there, and in words what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import DamagedFileError, RequestError
from tilth.samples import Source, Split, Status, Task

RECORD, VOTES, QUEUE = "run.json", "votes.parquet", "queue.csv"
_PLAIN = {"split": Split.TRAIN, "source": Source.INPUT, "status": Status.ACTIVE, "parent_id": None, "reason": None}
_OF_TASK = ("{}_given", "{}", "{}_origin", "{}_reason")


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """What one night left.

    Attributes:
        folder: the run's folder.
        record: `run.json`; empty where it is missing or damaged.
        frame: the newest table, one row a text; empty where there is none.
        table: the file that it comes from, or None.
        tasks: what was classified.
        votes: a column a labeling function, in the order of the first rows of the table; None where there are none.
        asked: why a row is in the queue, in a sentence, by its id.
        missing: what could not be read, a sentence each.
    """

    folder: Path
    record: Mapping[str, Any]
    frame: pd.DataFrame
    table: str | None = None
    tasks: tuple[Task, ...] = ()
    votes: pd.DataFrame | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that came in: no paraphrases."""
        return self.frame[self.frame["source"].ne(Source.PARAPHRASE)]


def read_run(folder: Path) -> RunFiles:
    """Read a run's folder, as far as it goes.

    Raises:
        RequestError: it holds neither a record nor a table, and so is no run's folder.
    """
    tables = sorted(path for path in folder.glob("*.parquet") if re.match(r"\d-", path.name))
    if not (folder / RECORD).is_file() and not tables:
        raise RequestError(f"{folder} holds no {RECORD}; expected the folder of a run, as in data/runs/latest")
    missing: list[str] = []
    record = _record(folder, missing)
    frame, newest = _newest(tables, record, missing)
    tasks = _tasks(record, frame)
    for task in tasks:
        for name in (pattern.format(task.name) for pattern in _OF_TASK):
            if name not in frame:
                frame[name] = None
    return RunFiles(
        folder=folder,
        record=record,
        frame=frame,
        table=newest,
        tasks=tasks,
        votes=_votes(folder, frame, missing, expected="votes.parquet" in _artifacts(record)),
        asked=_asked(folder),
        missing=missing,
    )


def _record(folder: Path, missing: list[str]) -> dict[str, Any]:
    if not (folder / RECORD).is_file():
        missing.append(f"{RECORD} is missing: what the stages did, the scores and the decision are not known.")
        return {}
    try:
        record = store.read_json(folder / RECORD)
    except DamagedFileError:
        missing.append(f"{RECORD} is damaged: what the stages did, the scores and the decision are not known.")
        return {}
    return record if isinstance(record, dict) else {}


def _newest(tables: list[Path], record: Mapping[str, Any], missing: list[str]) -> tuple[pd.DataFrame, str | None]:
    """The last table that can be read, with the columns that every table has."""
    frame, name = pd.DataFrame({"id": [], "text": []}, dtype=object), None
    for path in reversed(tables):
        try:
            frame, name = table.to_pandas(store.read_table(path)), path.name
        except DamagedFileError:
            missing.append(f"{path.name} is damaged; what stands below is from an earlier table.")
            continue
        break
    if name is None:
        cleaned = record.get("cleaned")
        why = f"tilth clean removed it on {cleaned}" if cleaned else "it is missing"
        missing.append(f"There is no table of rows ({why}): no row, no class and no map can be shown.")
    for plain, value in _PLAIN.items():
        if plain not in frame:
            frame[plain] = str(value) if value else None
    return frame, name


def _tasks(record: Mapping[str, Any], frame: pd.DataFrame) -> tuple[Task, ...]:
    """The record's tasks; those that the table's columns name where it has none."""
    if record.get("tasks"):
        return tuple(Task.from_json({"labels": [], **task}) for task in record["tasks"])
    names = [name.removesuffix("_given") for name in frame.columns if name.endswith("_given")]
    return tuple(
        Task(name=name, labels=tuple(sorted(frame[f"{name}_given"].dropna().astype(str).unique()))) for name in names
    )


def _artifacts(record: Mapping[str, Any]) -> list[str]:
    return [name for stage in record.get("stages") or [] for name in stage.get("artifacts") or []]


def _votes(folder: Path, frame: pd.DataFrame, missing: list[str], *, expected: bool) -> pd.DataFrame | None:
    """The labeling functions' votes, where they are those of this table's rows."""
    path = folder / VOTES
    if not path.is_file():
        if expected and len(frame):
            missing.append(f"{VOTES} is missing: which function said what cannot be shown.")
        return None
    try:
        votes = table.to_pandas(store.read_table(path))
    except DamagedFileError:
        missing.append(f"{VOTES} is damaged: which function said what cannot be shown.")
        return None
    if "id" not in votes or list(votes["id"]) != list(frame["id"].head(len(votes))):
        if len(frame):
            missing.append(f"{VOTES} is of other rows than the table: which function said what cannot be shown.")
        return None
    return votes.drop(columns="id")


def _asked(folder: Path) -> dict[str, str]:
    """The queue's reasons; none where there is no queue, an older one without reasons, or one that cannot be read."""
    try:
        queue = pd.read_csv(folder / QUEUE, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return {}
    return dict(zip(queue["id"], queue["reason"], strict=True)) if {"id", "reason"} <= set(queue) else {}
