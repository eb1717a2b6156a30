"""From what a person sends to answers as the file of answers keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tilth.annotation.rows import NightRows
from tilth.errors import InputError, did_you_mean
from tilth.samples import Source, Task
from tilth.store.answers import OF_TEXT, Answer, Verdict


class TaskVerdict(BaseModel):
    """The verdict on one task; of junk and of a wrong paraphrase there is no task."""

    model_config = ConfigDict(extra="forbid")
    verdict: Verdict
    task: str | None = Field(default=None, max_length=200)
    label: str | None = Field(default=None, max_length=1000)


class Sent(BaseModel):
    """One act of a person: all verdicts on a row at once.

    Attributes:
        step: a name for the act, unique; the same act sent again is stored once.
        row_id: the row.
        verdicts: a verdict a task, or one on the text.
        copies: whether it holds for the near copies beside the row, too.
        note: the person's own words.
        seconds: from when the row was on the screen to the answer.
    """

    model_config = ConfigDict(extra="forbid")
    step: str = Field(min_length=8, max_length=100)
    row_id: str = Field(min_length=1, max_length=1000)
    verdicts: list[TaskVerdict] = Field(min_length=1, max_length=50)
    copies: bool = False
    note: str | None = Field(default=None, max_length=10_000)
    seconds: float | None = Field(default=None, ge=0, le=86_400)


def answers_of(sent: Sent, rows: NightRows) -> list[Answer]:
    """The answers on a row, and on its near copies where it stands for them.

    Raises:
        InputError: no such row, task or label, or verdicts that contradict each other.
    """
    row = rows.row(sent.row_id)
    verdicts = _whole(sent.verdicts, rows, is_paraphrase=row.source == Source.PARAPHRASE)
    line = rows.queue.get(sent.row_id)
    on_page: dict[str, Any] = {"page": True, "seconds": sent.seconds}
    if line is not None:
        on_page |= {"detector": line.detector, "reason": line.reason}
    answers = []
    for row_id in (sent.row_id, *(rows.copies(sent.row_id) if sent.copies else ())):
        shown = rows.shown(row_id)
        of_copy = {"answered_for": sent.row_id} if row_id != sent.row_id else {}
        for task, (verdict, label) in verdicts.items():
            believed: Mapping[str, Any] = shown.get(task, {}) if task else next(iter(shown.values()), {})
            suggested = {"asked_as": line.suggested[task]} if line and task and task in line.suggested else {}
            answers.append(
                Answer(
                    row_id=row_id,
                    text=rows.text(row_id),
                    task=task,
                    verdict=verdict,
                    label=label,
                    shown={**on_page, **suggested, **believed, **of_copy},
                    note=sent.note or None,
                )
            )
    return answers


def _whole(
    sent: Sequence[TaskVerdict], rows: NightRows, *, is_paraphrase: bool
) -> dict[str | None, tuple[Verdict, str | None]]:
    """The verdict on each task, with what follows for the tasks above it."""
    verdicts: dict[str | None, tuple[Verdict, str | None]] = {}
    for one in sent:
        if one.verdict is Verdict.WRONG_PARAPHRASE and not is_paraphrase:
            raise InputError("a row of the input is no paraphrase; choose a label, or junk")
        if one.verdict in OF_TEXT and (len(sent) > 1 or one.task is not None):
            raise InputError(f'"{one.verdict}" is about the text, for all tasks; send it alone')
        if one.task in verdicts:
            raise InputError(f'task "{one.task}" is answered twice at once; keep one')
        _check(one, rows)
        verdicts[one.task] = (one.verdict, one.label)
    for task in reversed(rows.tasks):  # children first, so that each level fills in the one above it
        if task.parent is None or task.name not in verdicts:
            continue
        verdict, label = verdicts[task.name]
        above = task.parents(label)
        if task.parent in verdicts:
            other_verdict, other = verdicts[task.parent]
            if verdict is Verdict.LABEL and above and (other_verdict is not Verdict.LABEL or other not in above):
                raise InputError(
                    f'{task.name} "{label}" stands under {task.parent} "{above[0]}", and the answer there is '
                    f'"{other or other_verdict}"; choose one of the two'
                )
        elif verdict is not Verdict.LABEL:  # whoever knows no class of a child may know the parent's, and says so then
            verdicts[task.parent] = (verdict, None)
        elif len(above) == 1:
            verdicts[task.parent] = (verdict, above[0])
    return verdicts


def _check(one: TaskVerdict, rows: NightRows) -> None:
    if one.verdict in OF_TEXT:
        return
    names = [task.name for task in rows.tasks]
    task: Task | None = rows.task(one.task or "")
    if task is None:
        raise InputError(f'no task "{one.task}" in run {rows.run.path.name}; {did_you_mean(one.task or "", names)}')
    if one.verdict is Verdict.LABEL and one.label not in task.labels:
        near = did_you_mean(one.label or "", task.labels)
        near = near if near.startswith("did") else f"it has {len(task.labels)} classes"
        raise InputError(f'"{one.label}" is no class of task "{task.name}"; {near}')
