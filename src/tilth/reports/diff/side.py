"""One of the two runs that are compared, as far as its folder can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import DamagedFileError, RequestError
from tilth.samples import Source, Split, Task

_OF_ROW = ("id", "text", "split", "source", "status", "reason", "accepted", "used", "acquisition_rank")
_OF_TASK = ("{}", "{}_given", "{}_answer", "{}_origin", "{}_reason", "is_{}_issue", "{}_predicted")


@dataclass(frozen=True, kw_only=True)
class Side:
    """A run's record and tables.

    Attributes:
        path: its folder.
        record: what `run.json` says; fields may be missing where an older tilth wrote it.
        tasks: what it classifies, by name.
        frame: its newest table, or None; of the columns, those that are compared.
        table: the table's file name, or None.
        votes: labels' codes by labeling function (`task.function`), one row an id, or None.
        problems: what could not be read, in words.
    """

    path: Path
    record: Mapping[str, Any]
    tasks: Mapping[str, Task] = field(default_factory=dict)
    frame: pd.DataFrame | None = None
    table: str | None = None
    votes: pd.DataFrame | None = None
    problems: Sequence[str] = ()

    @property
    def run_id(self) -> str:
        """The run's name."""
        return str(self.record.get("run_id") or self.path.name)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of the input by id, without paraphrases; none where there is no table."""
        if self.frame is None:
            return pd.DataFrame({name: pd.Series(dtype=object) for name in _OF_ROW}).set_index("id", drop=False)
        rows = self.frame[self.frame["source"].ne(Source.PARAPHRASE)]
        return _by_id(rows)

    @cached_property
    def free_rows(self) -> pd.DataFrame:
        """`rows` without gold."""
        return self.rows[self.rows["split"].ne(Split.GOLD)]

    def to_json(self) -> dict[str, Any]:
        """What a reader has to know of it."""
        done = [entry["name"] for entry in self.record.get("stages") or [] if not entry.get("skipped")]
        record = {name: self.record.get(name) for name in ("status", "started", "tilth", "promoted")}
        return {"run_id": self.run_id, "path": str(self.path), **record, "stages": done, "table": self.table}


def read_side(path: Path) -> Side:
    """Read a run's folder; what is missing or damaged becomes one of its `problems`.

    Raises:
        RequestError: the folder holds no `run.json`.
    """
    if not (path / "run.json").is_file():
        raise RequestError(f"{path} holds no run.json; expected the folder of a run, as in data/runs/latest")
    problems: list[str] = []
    record: Mapping[str, Any] = _read(path / "run.json", store.read_json, problems) or {}
    record = record if isinstance(record, Mapping) else {}
    tasks = _tasks(record, problems)
    newest = max(path.glob("[0-9]-*.parquet"), default=None)
    samples = _read(newest, store.read_table, problems) if newest else None
    if newest is None:
        problems.append(f"it holds no table{_cleaned(record)}")
    frame = None
    if samples is not None:
        wanted = {*_OF_ROW, *(name.format(task) for task in tasks for name in _OF_TASK)}
        frame = table.to_pandas(samples.select_columns([name for name in samples.column_names if name in wanted]))
    path_of_votes = path / "votes.parquet"
    votes = _read(path_of_votes, store.read_table, problems) if path_of_votes.exists() else None
    return Side(
        path=path,
        record=record,
        tasks=tasks,
        frame=frame,
        table=newest.name if newest and frame is not None else None,
        votes=_by_id(table.to_pandas(votes)).drop(columns="id") if votes is not None else None,
        problems=tuple(problems),
    )


def _by_id(frame: pd.DataFrame) -> pd.DataFrame:
    """Indexed by id, as objects: of pandas' own texts every look-up takes a hundred times as long."""
    frame = frame.drop_duplicates("id")
    return frame.set_index(pd.Index(frame["id"].to_numpy(dtype=object), dtype=object))


def _cleaned(record: Mapping[str, Any]) -> str:
    return f": tilth clean removed its tables on {record['cleaned']}" if record.get("cleaned") else ""


def _tasks(record: Mapping[str, Any], problems: list[str]) -> dict[str, Task]:
    try:
        return {task["name"]: Task.from_json(task) for task in record.get("tasks") or []}
    except (KeyError, TypeError) as error:
        problems.append(f"its tasks cannot be read ({type(error).__name__}: {error})")
        return {}


def _read(path: Path, reader: Any, problems: list[str]) -> Any:
    try:
        return reader(path)
    except (DamagedFileError, OSError) as error:
        problems.append(f"{path.name} cannot be read ({error})")
        return None
