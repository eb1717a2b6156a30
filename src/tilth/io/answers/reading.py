"""The answers in force, read from their file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.notes import Notes
from tilth.store.answers import Answers


@dataclass(frozen=True, kw_only=True)
class StoredAnswers:
    """What stands in `labels.sqlite`.

    Attributes:
        current: the answers in force, as `Answers.current` gives them.
        people: who has ever answered → how many answers.
        record: the file, for `run.json`: path, digest of all entries, how many, and the last one's place.
    """

    current: pd.DataFrame
    people: dict[str, int]
    record: dict[str, Any]


def read_answers(path: Path | None, root: Path, notes: Notes) -> StoredAnswers | None:
    """Read the file, which is brought up to date where an older tilth wrote it; None where nobody has answered.

    Raises:
        RequestError: it was written by a newer tilth.
        DamagedFileError: it is not whole.
    """
    if path is None or not path.exists():
        return None
    with Answers.open(path, read_only=not os.access(path.parent, os.W_OK)) as answers:
        if answers.migrated_from is not None:
            kept = f"{path.stem}-version-{answers.migrated_from}{path.suffix}"
            message = f"{path.name} was of an older tilth and is brought up to date; as it was, it stands in {kept}"
            notes.add("answers_migrated", 1, message, path.name)
        answers.check()
        if not len(answers):
            return None
        shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        last = answers.last()  # what is added from here on is the next night's
        record = {"path": shown, "sha256": answers.digest(last), "rows": len(answers), "split": "answers", "last": last}
        return StoredAnswers(current=answers.current(last), people=answers.people(), record=record)
