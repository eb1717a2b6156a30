"""Votes of several annotators: a long-format file becomes a column of the table, and the majority the given label.

What the majority is worth, cleaning decides with CROWDLAB; this is only the reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.config import Settings, TaskConfig
from tilth.errors import InputError, did_you_mean
from tilth.reading import count, read_rows
from tilth.samples import Split

ANNOTATOR = "annotator"
GIVEN = "given"
"""The annotator that the input's own label is put down to, where a row has both."""


def read(settings: Settings, root: Path, inputs: list[dict[str, Any]], notes: dict[str, int]) -> pd.DataFrame:
    """The votes as rows of `id`, `annotator`, `task` and `label`; none where the settings name no file.

    Raises:
        InputError: a column is missing, or the file cannot be read.
    """
    name = settings.data.annotations
    if name is None:
        return pd.DataFrame(columns=["id", ANNOTATOR, "task", "label"], dtype=object)
    raw, sha = read_rows(name, root, notes)
    inputs.append({"path": name, "sha256": sha, "rows": len(raw), "split": "annotations"})
    columns = _columns(name, raw, settings)
    parts = []
    for column, task in columns.items():
        part = pd.DataFrame(
            {"id": raw[settings.data.id], ANNOTATOR: raw[ANNOTATOR], "task": task, "label": raw[column]}
        )
        for field in ("id", ANNOTATOR, "label"):
            text = part[field].astype("string").str.strip()
            part[field] = text.where(text.ne(""))
        parts.append(part)
    votes = pd.concat(parts, ignore_index=True).dropna(subset="label").astype(object)
    nameless = votes[["id", ANNOTATOR]].isna().any(axis=1)
    count(notes, "annotations_without_id_or_annotator", int(nameless.sum()))
    votes = votes[~nameless]
    again = votes.duplicated(["id", ANNOTATOR, "task"], keep="last")
    count(notes, "annotations_replaced_by_a_later_one", int(again.sum()))
    return votes[~again].reset_index(drop=True)


def _columns(name: str, raw: pd.DataFrame, settings: Settings) -> dict[str, str]:
    """Column of the file → task; a single task's labels may also stand in a column called `label`."""
    for needed in (settings.data.id, ANNOTATOR):
        if needed not in raw:
            raise InputError(
                f'{name}: no column "{needed}"; found {list(raw.columns)}: {did_you_mean(needed, raw.columns)} '
                f"(one line a vote: {settings.data.id}, {ANNOTATOR}, and a column of labels for each task)"
            )
    found = {column_of(task): task.name for task in settings.tasks if column_of(task) in raw}
    if not found and len(settings.tasks) == 1 and "label" in raw:
        found = {"label": settings.tasks[0].name}
    if not found:
        wanted = [column_of(task) for task in settings.tasks]
        raise InputError(f"{name}: no column of labels; found {list(raw.columns)}, expected one of {wanted}")
    return found


def column_of(task: TaskConfig) -> str:
    """The input column that holds a task's labels."""
    return task.column or task.name


def apply(frame: pd.DataFrame, votes: pd.DataFrame, tasks: Sequence[TaskConfig], notes: dict[str, int]) -> None:
    """Write `<task>_annotations`, and the majority into `<task>_given`, in a frame that the caller owns.

    A gold row's own label stands; it takes the majority only where it has none.

    Raises:
        InputError: no vote is on a row of the input.
    """
    if votes.empty:
        return
    place = pd.Series(frame.index, index=frame["id"])
    known = votes["id"].isin(place.index)
    count(notes, "annotations_of_unknown_rows", int((~known).sum()))
    if not known.any():
        shown, wanted = votes["id"].iloc[0], frame["id"].iloc[0]
        raise InputError(f'no annotation is on a row of the input: it has ids like "{wanted}", they name "{shown}"')
    for task in tasks:
        own = frame[f"{task.name}_given"]
        mine = votes[known & votes["task"].eq(task.name)]
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
        best = frame["id"].map(_majority(every))
        keep = own.notna() & frame["split"].eq(Split.GOLD)
        frame[f"{task.name}_given"] = own.where(keep | best.isna(), best).astype(object)


def _majority(votes: pd.DataFrame) -> pd.Series:
    """The label with most votes for each id; among equals the one that is commoner in the whole, then the first."""
    size = votes["label"].value_counts()
    counts = votes.groupby(["id", "label"], sort=True).size().rename("votes").reset_index()
    counts["whole"] = counts["label"].map(size)
    counts = counts.sort_values(["votes", "whole"], ascending=False, kind="stable")
    return counts.drop_duplicates("id").set_index("id")["label"]
