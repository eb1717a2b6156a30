"""Votes of several annotators: a long-format file becomes a column of the table, and the majority the given label.

What the majority is worth, cleaning decides with CROWDLAB; this is only the reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth.config import Settings, TaskConfig
from tilth.errors import InputError, did_you_mean
from tilth.io.labels import given_labels
from tilth.io.tables import Loaded, read_rows
from tilth.io.text_files import shown
from tilth.notes import FILE, ROW, Notes
from tilth.samples import Split

ANNOTATOR = "annotator"
GIVEN = "given"
"""The annotator that the input's own label is put down to, where a row has both."""


def read_votes(
    settings: Settings, root: Path, inputs: list[dict[str, Any]], notes: Notes, loaded: Loaded | None = None
) -> pd.DataFrame:
    """The votes as rows of `id`, `annotator`, `task` and `label`; none where the settings name no file.

    Raises:
        InputError: a column is missing, or the file cannot be read.
    """
    name, own = settings.data.annotations, settings.data.id
    if name is None:
        return pd.DataFrame(columns=["id", ANNOTATOR, "task", "label"], dtype=object)
    raw, sha = read_rows(name, root, notes, [own, ANNOTATOR, "label", *map(column_of, settings.tasks)], loaded)
    inputs.append({"path": name, "sha256": sha, "rows": len(raw), "split": "annotations"})
    columns = _columns(name, raw, settings)
    rows = pd.DataFrame({FILE: shown(name), ROW: np.arange(1, len(raw) + 1)}, index=raw.index)
    for column, field in ((own, "id"), (ANNOTATOR, ANNOTATOR)):
        text = raw[column].astype("string").str.strip()
        rows[field] = text.where(text.ne(""))
    parts = [
        rows.assign(
            task=_task_of(raw, task, settings, rows, notes),
            label=given_labels.read_labels(raw[column], rows, column, notes),
        )
        for column, task in columns.items()
    ]
    votes = pd.concat(parts, ignore_index=True).dropna(subset=["label", "task"]).astype({"label": object})
    nameless = votes[["id", ANNOTATOR]].isna().any(axis=1)
    notes.rows(
        "annotations_without_id_or_annotator",
        votes,
        nameless,
        "annotation",
        f"came without {own} or annotator: left out",
    )
    votes = votes[~nameless]
    again = votes.duplicated(["id", ANNOTATOR, "task"], keep="last")
    rest = "came before another of the same annotator on the same row: the later one stands"
    notes.rows("annotations_replaced_by_a_later_one", votes, again, "annotation", rest)
    return votes[~again].reset_index(drop=True)


def _task_of(raw: pd.DataFrame, task: str, settings: Settings, rows: pd.DataFrame, notes: Notes) -> str | pd.Series:
    """The task of each vote: the column's own, unless a column `task` names it."""
    names = {config.name for config in settings.tasks}
    if "task" in names or "task" not in raw or not raw["task"].isin(names).any():
        return task
    strange = raw["task"].notna() & ~raw["task"].isin(names)
    notes.rows("annotations_of_other_tasks", rows, strange, "annotation", "came for a task of another name: left out")
    return raw["task"].where(raw["task"].isin(names))


def _columns(name: str, raw: pd.DataFrame, settings: Settings) -> dict[str, str]:
    """Column of the file → task; labels may also stand in a column `label`: one task's, or that of a column `task`."""
    for needed in (settings.data.id, ANNOTATOR):
        if needed not in raw:
            raise InputError(
                f'{name}: no column "{needed}"; found {list(raw.columns)}: {did_you_mean(needed, raw.columns)} '
                f"(one line a vote: {settings.data.id}, {ANNOTATOR}, and a column of labels for each task)"
            )
    columns = {column_of(task): task.name for task in settings.tasks if column_of(task) in raw}
    if not columns and "label" in raw and (len(settings.tasks) == 1 or "task" in raw):
        columns = {"label": settings.tasks[0].name}
    if not columns:
        wanted = [column_of(task) for task in settings.tasks]
        raise InputError(f"{name}: no column of labels; found {list(raw.columns)}, expected one of {wanted}")
    return columns


def column_of(task: TaskConfig) -> str:
    """The input column that holds a task's labels."""
    return task.column or task.name


def votes_of_rows(votes: pd.DataFrame, frame: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """The votes on rows of the input; an id that a column with gaps made 7.0 is the row 7.

    Raises:
        InputError: no vote is on a row of the input.
    """
    if votes.empty:
        return votes
    known = votes["id"].isin(frame["id"])
    votes = votes.assign(id=votes["id"].where(known, votes["id"].str.replace(r"^(\d+)\.0+$", r"\1", regex=True)))
    known = votes["id"].isin(frame["id"])
    notes.rows("annotations_of_unknown_rows", votes, ~known, "annotation", "came for an id that no row has: left out")
    if not known.any():
        shown, wanted = votes["id"].iloc[0], frame["id"].iloc[0]
        raise InputError(f'no annotation is on a row of the input: it has ids like "{wanted}", they name "{shown}"')
    return votes[known].reset_index(drop=True)


def apply_votes(frame: pd.DataFrame, votes: pd.DataFrame, tasks: Sequence[TaskConfig], counted: pd.Series) -> None:
    """Write `<task>_annotations`, and the majority into `<task>_given`, in a frame that the caller owns.

    A gold row's own label stands; it takes the majority only where it has none.

    Args:
        frame: the input's rows.
        votes: on these rows.
        tasks: what is classified.
        counted: the rows that may break a tie of others: those that are not gold.
    """
    for task in tasks:
        own = frame[f"{task.name}_given"]
        mine = votes[votes["task"].eq(task.name)]
        if mine.empty:
            continue
        spoken = own.notna() & frame["id"].isin(mine["id"]) & frame["split"].ne(Split.GOLD)
        ours = pd.DataFrame({"id": frame["id"][spoken], ANNOTATOR: GIVEN, "label": own[spoken]})
        every = pd.concat([mine[["id", ANNOTATOR, "label"]], ours], ignore_index=True)
        ballots: dict[str, dict[str, str]] = {}
        for row_id, who, label in every.sort_values(ANNOTATOR, kind="stable").itertuples(index=False, name=None):
            ballots.setdefault(row_id, {})[who] = label
        frame[f"{task.name}_annotations"] = [
            json.dumps(ballots[row_id]) if row_id in ballots else None for row_id in frame["id"]
        ]
        best = frame["id"].map(_majority(every, frame["id"][counted]))
        keep = own.notna() & frame["split"].eq(Split.GOLD)
        frame[f"{task.name}_given"] = own.where(keep | best.isna(), best).astype(object)


def _majority(votes: pd.DataFrame, counted: pd.Series) -> pd.Series:
    """The label with most votes for each id; among equals the one that is commoner in the whole, then the first.

    The whole is the votes on the ids that are counted: how gold rows were labeled decides nothing.
    """
    size = votes.loc[votes["id"].isin(counted), "label"].value_counts()
    counts = votes.groupby(["id", "label"], sort=True).size().rename("votes").reset_index()
    counts["whole"] = counts["label"].map(size).fillna(0)
    counts = counts.sort_values(["votes", "whole"], ascending=False, kind="stable")
    return counts.drop_duplicates("id").set_index("id")["label"]
