"""One answer of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tilth.errors import InputError
from tilth.text import clean, clean_label


class Verdict(StrEnum):
    """What a person may say of a row."""

    LABEL = "label"
    NONE_OF_THESE = "none_of_these"
    UNCLEAR = "unclear"
    JUNK = "junk"
    WRONG_PARAPHRASE = "wrong_paraphrase"


UNDO = "undo"
"""In the file, beside the verdicts: an answer that is withdrawn by whoever gave it."""

OF_TEXT = frozenset({Verdict.JUNK, Verdict.WRONG_PARAPHRASE})
"""Verdicts on a text, for all tasks; the others are one task's."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person says of one row, before it is stored.

    Attributes:
        row_id: the row's id.
        text: the row's text, as the table holds it; the answer is about this text and no other.
        task: what is classified; None for `JUNK` and `WRONG_PARAPHRASE`, which are about the text.
        verdict: what is said.
        label: the class, for the verdict `LABEL` alone.
        shown: what stood beside the text when the person answered, as plain JSON.
        note: the person's own words.
    """

    row_id: str
    text: str
    task: str | None = None
    verdict: Verdict = Verdict.LABEL
    label: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None

    def __post_init__(self) -> None:
        verdict = self.verdict
        if not self.row_id:
            raise InputError("an answer without a row id; expected the id of the row that it is about")
        if (self.task is None) != (verdict in OF_TEXT):
            wanted = "no task, for it is about the text" if verdict in OF_TEXT else "the task that it is about"
            raise InputError(f'row "{self.row_id}": the answer "{verdict}" came with task {self.task!r}; give {wanted}')
        if (verdict is Verdict.LABEL) != bool(self.label and clean_label(self.label)):
            raise InputError(
                f'row "{self.row_id}": the answer "{verdict}" came with label {self.label!r}; the verdict "label" has '
                "one, and no other has"
            )


def annotator(who: str) -> str:
    """A person's name as it is stored.

    Raises:
        InputError: it is empty, or no name.
    """
    name = clean(who)
    if not name or len(name) > 200 or "\n" in name:
        raise InputError(
            f"an annotator is called {who[:50]!r}; give a name of 1 to 200 signs on one line (--annotator)"
        )
    return name
