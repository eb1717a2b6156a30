"""What stands beside a row's text when a person is asked, and which detector put it there.

It is stored with each answer, so that a later night can tell how often each detector is right on this data; no model
trains on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tilth.samples import Source, Task
from tilth.store import Run, newest_table, read_table

_OF_TASK = {
    "given": "{task}_given",
    "label": "{task}",
    "origin": "{task}_origin",
    "confidence": "{task}_confidence",
    "suspect": "is_{task}_issue",
    "given_confidence": "{task}_given_confidence",
    "doubt": "{task}_doubt",
    "suggested": "{task}_suggested",
    "disputed": "{task}_disputed",
    "weak": "{task}_weak",
    "weak_confidence": "{task}_weak_confidence",
    "weak_confidence_before_answers": "{task}_weak_confidence_before_answers",
    "propagated": "{task}_propagated",
}
"""What is shown of each task → the column of the table that it comes from."""


def shown_of_rows(run: Run, row_ids: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """What a night believes of rows, as `Answer.shown` takes it.

    Args:
        run: the night whose queue is answered.
        row_ids: the rows, of any kind; those that the night does not have are left out.

    Returns:
        Row id → task → `run`, then, where it is known: `given`, `label` (with `origin` and `confidence`), `suspect`
        (cleaning holds the given label for wrong), `given_confidence`, `doubt` (the models' log-odds of
        another label), `suggested`, `disputed`, `weak`, `weak_confidence` (also as it was
        `_before_answers`), `propagated`, and `functions`: name → label. Of a paraphrase also `parent_id`.
    """
    ids = set(row_ids)
    tasks = [Task.from_json(task) for task in run.record["tasks"]]
    frame = _of(ids, read_table(newest_table(run.path)).data.table).to_pandas(ignore_metadata=True)
    votes = _votes(run, tasks, ids)
    columns = {task.name: _columns(task.name, frame) for task in tasks}
    by_row: dict[str, dict[str, dict[str, Any]]] = {}
    for row in frame.to_dict("records"):
        row_id = str(row["id"])
        by_row[row_id] = {}
        for task in tasks:
            shown: dict[str, Any] = {"run": run.path.name}
            beliefs = {name: row[column] for name, column in columns[task.name]}
            shown |= {name: _plain(value) for name, value in beliefs.items() if pd.notna(value) and value is not False}
            if row["source"] == Source.PARAPHRASE:
                shown["parent_id"] = row["parent_id"]
            if functions := votes.get(task.name, {}).get(row_id):
                shown["functions"] = functions
            by_row[row_id][task.name] = shown
    return by_row


def _columns(task: str, frame: pd.DataFrame) -> list[tuple[str, str]]:
    named = [(name, column.replace("{task}", task)) for name, column in _OF_TASK.items()]
    return [(name, column) for name, column in named if column in frame]


def _of(ids: set[str], rows: pa.Table) -> pa.Table:
    return rows.filter(pc.is_in(rows["id"], value_set=pa.array(sorted(ids), rows["id"].type)))


def _plain(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, float) else value


def _votes(run: Run, tasks: Sequence[Task], ids: set[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Task → row id → function → the label that it voted for."""
    path = run.path / "votes.parquet"
    if not path.exists():
        return {}
    cast = _of(ids, pq.read_table(path))
    rows = cast.to_pylist()
    votes: dict[str, dict[str, dict[str, Any]]] = {}
    for task in tasks:
        mine = [name for name in cast.column_names if name.startswith(f"{task.name}.")]
        votes[task.name] = {
            row["id"]: {name.removeprefix(f"{task.name}."): task.labels[row[name]] for name in mine if row[name] >= 0}
            for row in rows
        }
    return votes
