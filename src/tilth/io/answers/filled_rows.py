"""The cells of a filled queue, each as what a person says of one row."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tilth.errors import InputError, did_you_mean
from tilth.notes import listed
from tilth.samples import Task
from tilth.store.answers import OF_TEXT, Verdict
from tilth.text import clean, clean_label

WORDS = {
    "none of these": Verdict.NONE_OF_THESE,
    "unclear": Verdict.UNCLEAR,
    "junk": Verdict.JUNK,
    "wrong paraphrase": Verdict.WRONG_PARAPHRASE,
}
"""What a cell may hold in place of a class, in any case, with _ or - for a space."""

_BESIDE = ("detector", "reason", "rank", "score")
"""Columns of a queue that are stored with the answer, as what was shown."""


@dataclass(frozen=True, kw_only=True)
class FilledRow:
    """One answered cell.

    Attributes:
        place: where it stands, for messages.
        row_id: the row that it is about.
        text: the row's text in the file; None where it has none.
        who: the person.
        task: what is answered; None for a verdict on the text.
        verdict: what is said.
        label: the class, of the verdict "label".
        copies: ids of near copies that the answer stands for too.
        shown: what the file showed beside the text.
        note: the person's own words.
    """

    place: str
    row_id: str
    text: str | None
    who: str
    task: str | None
    verdict: Verdict
    label: str | None
    copies: tuple[str, ...]
    shown: Mapping[str, Any]
    note: str | None


def filled_rows(
    frame: pd.DataFrame, name: str, tasks: Sequence[Task], who: str
) -> tuple[list[FilledRow], list[str], int]:
    """Every answered cell, what is wrong with those that cannot be read, and how many rows have no answer.

    Raises:
        InputError: there is no id, or no column of answers.
    """
    columns = _answer_columns(frame, name, tasks)
    rows: list[FilledRow] = []
    bad: list[str] = []
    unanswered = 0
    for number, row in enumerate(frame.to_dict("records"), 1):
        place = f"{name}, row {number}"
        labels = {task: clean_label(_text(row[column])) for column, task in columns.items()}
        if not any(labels.values()):
            unanswered += 1
            continue
        row_id = clean(_text(row["id"]))
        if not row_id:
            bad.append(f"{place}: an answer without an id; expected the id of the row that it is about")
            continue
        try:
            copies = group_ids(row.get("group"))
        except ValueError as error:
            bad.append(f'{place}: column "group": {error}')
            continue
        for task, cell in labels.items():
            read = _read(cell, task, tasks, bad, place) if cell else None
            if read is not None:
                rows.append(_filled(row, place, row_id, who, copies, task, *read))
    return rows, bad, unanswered


def _filled(
    row: Mapping[Hashable, Any],
    place: str,
    row_id: str,
    who: str,
    copies: tuple[str, ...],
    task: str,
    verdict: Verdict,
    label: str | None,
) -> FilledRow:
    """One answered cell, with what stands beside it."""
    shown = {key: row[key] for key in _BESIDE if key in row and _text(row[key])}
    suggested = _text(row.get(f"{task}_suggested"))
    return FilledRow(
        place=place,
        row_id=row_id,
        text=clean(_text(row["text"])) if "text" in row and _text(row["text"]) else None,
        who=clean(_text(row.get("annotator"))) or who,
        task=None if verdict in OF_TEXT else task,
        verdict=verdict,
        label=label,
        copies=copies,
        shown={**shown, **({"asked_as": suggested} if suggested else {})},
        note=_text(row.get("note")) or None,
    )


def _answer_columns(frame: pd.DataFrame, name: str, tasks: Sequence[Task]) -> dict[str, str]:
    if "id" not in frame:
        raise InputError(
            f'{name}: no column "id", the row of each answer; found {listed(frame.columns)}; fill in the '
            "file that tilth queue export writes, or a run's queue.csv"
        )
    columns = {f"{task.name}_answer": task.name for task in tasks if f"{task.name}_answer" in frame}
    if not columns:
        wanted = [f"{task.name}_answer" for task in tasks]
        raise InputError(
            f"{name}: no column of answers; found {listed(frame.columns)}, expected {listed(wanted)}; fill in the file "
            "that tilth queue export writes, or a run's queue.csv"
        )
    return columns


def _read(cell: str, name: str, tasks: Sequence[Task], bad: list[str], place: str) -> tuple[Verdict, str | None] | None:
    """What a cell says: a class where one is called so, else one of `WORDS`."""
    task = next(task for task in tasks if task.name == name)
    if cell in task.labels:
        return Verdict.LABEL, cell
    word = " ".join(cell.casefold().replace("_", " ").replace("-", " ").split())
    if word in WORDS:
        return WORDS[word], None
    near = did_you_mean(cell, [*task.labels, *WORDS] if len(task.labels) < 20 else task.labels)
    if not near.startswith("did"):
        near = f"it has {len(task.labels)} classes, and the words {', '.join(WORDS)}"
    bad.append(f'{place}: "{cell}" is no class of task "{name}"; {near}')
    return None


def group_ids(value: object) -> tuple[str, ...]:
    """The ids of a cell of `group`; none where it is empty.

    Raises:
        ValueError: it is no JSON list.
    """
    if not isinstance(value, list) and not _text(value):
        return ()
    try:
        ids = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        ids = None
    if not isinstance(ids, list):
        raise ValueError(f"found {value!r}, expected a JSON list of ids")
    return tuple(map(str, ids))


def _text(value: Any) -> str:
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value).strip()
