"""From files to the table: read, check, split; a wrong request raises before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset

from tilth import samples as table
from tilth.config import Settings, TaskConfig
from tilth.errors import InputError, did_you_mean
from tilth.io import addresses, file_rows
from tilth.io.answers import apply_answers, read_answers
from tilth.io.gold_split import lock_gold, may_be_gold
from tilth.io.held_rows import held_rows, without_forgotten
from tilth.io.labels import (
    LabelMapping,
    apply_votes,
    column_of,
    current_labels,
    find_tasks,
    note_definitions,
    note_gold,
    note_labels,
    pointless,
    read_labels,
    read_votes,
    votes_of_rows,
    without_points,
)
from tilth.io.tables import DATABASE_INPUT, Loaded, read_query
from tilth.notes import FILE, ROW, Note, Notes, Unreadable, many
from tilth.samples import Split, Task
from tilth.store import Cache, LabelChanges, Workspace, digest


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """The table as it stands before the first stage.

    Attributes:
        samples: the checked table.
        tasks: what is classified, parents before children.
        inputs: path, sha256 and rows of each file, for `run.json`.
        notes: what was read otherwise than it stands in the input, for a person to know.
        unreadable: the lines that could not be read.
        answers: what people's answers did, for `run.json`; None where there are none.
    """

    samples: Dataset
    tasks: tuple[Task, ...]
    inputs: list[dict[str, Any]]
    notes: list[Note] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    answers: dict[str, Any] | None = None


def ingest(
    settings: Settings, root: Path, loaded: Loaded | None = None, workspace: Workspace | None = None
) -> Ingested:
    """Read the input and the gold rows that the settings name, from files or from what is loaded under the name.

    Args:
        settings: which rows, and what of them.
        root: the folder that relative names start from.
        loaded: rows that are in memory already, by their name.
        workspace: whose people's answers are applied; None: none are.

    Raises:
        InputError: a missing or unreadable file, a missing column, repeated ids, no usable row.
    """
    _require_settings(settings)
    notes = Notes()
    changes = LabelChanges.read(workspace.data) if workspace is not None else LabelChanges()
    mapping, declared = LabelMapping(changes), {task.name: task for task in settings.tasks}
    settings = mapping.config(settings)
    inputs: list[dict[str, Any]] = []
    cache = Cache(workspace.cache) if workspace is not None else None
    parts = _train_parts(settings, root, inputs, notes, loaded, cache)
    parts += held_rows(workspace, settings, parts, inputs)
    votes = read_votes(settings, root, inputs, notes, loaded)
    _require_labels(parts, settings, inputs, set(votes["task"]))
    if settings.data.gold is not None:
        parts.append(file_rows.read(settings.data.gold, Split.GOLD, settings, root, inputs, notes, loaded, cache))
    _note_missing_columns(parts, settings, notes)
    frame = pd.concat(parts, ignore_index=True)
    frame["id"] = _ids(frame)
    frame = without_forgotten(frame, workspace, notes)
    votes = votes_of_rows(votes, frame, notes)
    held = may_be_gold(frame, settings.data)
    for task in settings.tasks:
        _clean_labels(frame, votes, task, ~held, notes)
        votes = mapping.apply(frame, votes, task.name, notes)
    apply_votes(frame, votes, settings.tasks, ~held)
    lock_gold(frame, settings, held)
    answers = _apply_stored_answers(frame, workspace, settings, mapping, root, inputs, notes)
    tasks = find_tasks(frame, settings.tasks, notes, mapping)
    if changes.every:
        inputs.append(changes.record())
        tasks = tuple(mapping.in_force(task, declared[task.name]) for task in tasks)
        mapping.ask_again(frame, tasks)
    learned = frame[frame["split"].ne(Split.GOLD)]
    for task in settings.tasks:
        note_labels(learned[f"{task.name}_given"], learned, task.name, task.labels, notes)
    note_gold(frame, tasks, notes)
    note_definitions(settings.data.definitions, tasks, notes)
    samples = _samples(frame.drop(columns=[FILE, ROW]), tasks)
    return Ingested(
        samples=samples, tasks=tasks, inputs=inputs, notes=notes.found, unreadable=notes.unreadable, answers=answers
    )


def _require_settings(settings: Settings) -> None:
    if not settings.data.input and not settings.data.sql:
        raise InputError("no input: give --input FILE, or data.input or data.sql in tilth.toml")
    if not settings.tasks:
        raise InputError("no task: give --label COLUMN, or [[tasks]] in tilth.toml")


def _apply_stored_answers(
    frame: pd.DataFrame,
    workspace: Workspace | None,
    settings: Settings,
    mapping: LabelMapping,
    root: Path,
    inputs: list[dict[str, Any]],
    notes: Notes,
) -> dict[str, Any] | None:
    """Set what people answered above everything else; what came of it, None where there is nothing."""
    stored = read_answers(workspace.answers, root, notes) if workspace is not None else None
    if stored is None:
        return None
    inputs.append(stored.record)
    return apply_answers(frame, replace(stored, current=mapping.answers(stored.current, frame)), settings.tasks, notes)


def _samples(frame: pd.DataFrame, tasks: Sequence[Task]) -> Dataset:
    """The table, its rows without any label known as such."""
    bare = pd.concat([current_labels(frame, task.name).isna() for task in tasks], axis=1).all(axis=1)
    frame.loc[bare & frame["split"].ne(Split.GOLD), "split"] = Split.UNLABELED.value
    if not (_has_content(frame) & frame["split"].ne(Split.GOLD)).any():
        raise InputError(f"no usable row: all {len(frame)} texts are empty; is data.text the right column?")
    samples = table.from_pandas(table.resolve(frame, tasks), tasks)
    table.validate(samples, tasks)
    return samples


def _train_parts(
    settings: Settings,
    root: Path,
    inputs: list[dict[str, Any]],
    notes: Notes,
    loaded: Loaded | None,
    cache: Cache | None,
) -> list[pd.DataFrame]:
    """The rows of each input file, and of the query."""
    names = addresses.expand(settings.data.input, root)
    if settings.data.sql:
        names = [*names, DATABASE_INPUT]
        loaded = {**(loaded or {}), DATABASE_INPUT: read_query(settings.data, root)}
    return [file_rows.read(name, Split.TRAIN, settings, root, inputs, notes, loaded, cache) for name in names]


def _require_labels(
    parts: list[pd.DataFrame], settings: Settings, inputs: Sequence[dict[str, Any]], annotated: set[str]
) -> None:
    label_columns = {name for part in parts for name in part.attrs[file_rows.LABELS]}
    for task in settings.tasks:
        column = column_of(task)
        if column not in label_columns and task.name not in annotated and not task.labels:
            columns = sorted(name.removeprefix("meta.") for part in parts for name in part.columns if "meta." in name)
            wide = [name for name in columns if column in [part.strip() for part in name.split(",")]]
            fix = f"--label '\"{wide[0]}\"', in quotes for its comma" if wide else "--label COLUMN, or labels = [...]"
            raise InputError(
                f'{inputs[0]["path"]}: no column "{column}" for task "{task.name}"; found '
                f"{[settings.data.text, *columns]}: {did_you_mean(column, columns)} ({fix})"
            )


def _clean_labels(
    frame: pd.DataFrame, votes: pd.DataFrame, task: TaskConfig, train_rows: pd.Series, notes: Notes
) -> None:
    """Clean one task's labels, the given and the voted ones, in a frame and votes that the caller owns."""
    column, mine = f"{task.name}_given", votes["task"].eq(task.name)
    frame[column] = read_labels(frame[column], frame, column_of(task), notes)
    ours = votes.loc[mine & votes["id"].isin(frame["id"][train_rows]), "label"]
    if not without_points(pd.concat([frame.loc[train_rows, column], ours]), task.labels):
        return
    frame[column] = pointless(frame[column], frame, task.name, notes)
    votes.loc[mine, "label"] = pointless(votes.loc[mine, "label"], votes[mine], task.name, notes)


def _note_missing_columns(parts: Sequence[pd.DataFrame], settings: Settings, notes: Notes) -> None:
    """Note the files that lack a column of labels: gold, and input where other input has it."""
    held = [part.attrs[file_rows.LABELS] for part in parts]
    learned = [columns for part, columns in zip(parts, held, strict=True) if part["split"].iloc[0] != Split.GOLD]
    for part, columns in zip(parts, held, strict=True):
        gold, file = part["split"].iloc[0] == Split.GOLD, part[FILE].iloc[0]
        for task in settings.tasks:
            column = column_of(task)
            if column in columns or not (gold or any(column in other for other in learned)):
                continue
            others = [name.removeprefix("meta.") for name in part.columns if name.startswith("meta.")]
            near = did_you_mean(column.casefold(), [name.casefold() for name in others])
            hint = f" ({near})" if near.startswith("did") else ""
            message = (
                f'{file} has no column "{column}"{hint}, so its {many(len(part), "row")} have no label of that task'
            )
            notes.add("label_column_missing", len(part), message, file)


def _ids(frame: pd.DataFrame) -> pd.Series:
    own = frame["id"].where(frame["id"].ne("")).astype(object)
    repeated = own[own.notna() & own.duplicated(keep=False)].unique()
    if len(repeated):
        shown = ", ".join(map(str, repeated[:5]))
        raise InputError(
            f"{len(repeated)} ids are repeated, for example {shown}; ids must be unique over input and gold"
        )
    prefix = frame["split"].eq(Split.GOLD).map({True: "gold-", False: ""})
    made = frame["text"].map(digest)
    if "picture_digest" in frame:  # rows of a picture alone differ by it
        made = made.where(frame["text"].ne("") | frame["picture_digest"].isna(), frame["picture_digest"])
    made = prefix + made.str.slice(0, 16)
    made = made + "-" + (made.groupby(made).cumcount() + 1).astype(str)
    return own.where(own.notna(), made).astype(str)


def _has_content(frame: pd.DataFrame) -> pd.Series:
    """Rows with a text, or a picture."""
    text = frame["text"].ne("")
    return text | frame["picture_digest"].notna() if "picture_digest" in frame else text
