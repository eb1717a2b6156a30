"""A copy of the answers for each day on which a night ran."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Set
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tilth.store.answers import schema
from tilth.store.answers.answer_file import Answers
from tilth.store.answers.connection import connect
from tilth.store.answers.failures import BACKUPS, explained
from tilth.store.files import atomic

log = logging.getLogger(__name__)


def back_up(path: Path, keep: int, day: str | None = None) -> Path | None:
    """Copy the answers to `backups/labels-<day>.sqlite` beside them, and remove all but the newest copies.

    A copy that holds more answers than the file does now is never written over, and then none is removed: the file was
    put back from an older one, or somebody has removed it.

    Args:
        path: `data/labels.sqlite`.
        keep: how many copies stay.
        day: in place of today's date in UTC.

    Returns:
        The copy; None where there is no file, or a copy holds more.

    Raises:
        DamagedFileError: the file is not whole; the copies stay as they are.
    """
    copies = backups(path)
    before = _answers_in(copies[-1]) if copies else 0
    if not path.exists():
        if before:
            log.warning(
                "%s is gone, and %s holds %d answers; put it back: cp %s %s",
                path,
                copies[-1],
                before,
                *copies[-1:],
                path,
            )
        return None
    with Answers.open(path) as answers:
        answers.check()
        if len(answers) < before:
            log.warning(
                "%s holds %d answers, and its backup %s holds %d, so that no new one is made; if the backup is right: "
                "cp %s %s",
                path,
                len(answers),
                copies[-1],
                before,
                copies[-1],
                path,
            )
            return None
        target = path.parent / BACKUPS / f"{path.stem}-{day or datetime.now(UTC).date().isoformat()}{path.suffix}"
        with atomic(target) as unfinished:
            answers.copy_to(unfinished)
    for old in backups(path)[:-keep]:
        old.unlink()
    return target


def backups(path: Path) -> list[Path]:
    """The dated copies of a file of answers, oldest first."""
    return sorted((path.parent / BACKUPS).glob(f"{path.stem}-*{path.suffix}"))


def newest_backup(path: Path) -> Path | None:
    """The newest dated copy of a file of answers; None where there is none."""
    return next(reversed(backups(path)), None)


def forget_answers(path: Path, row_ids: Set[str], *, dry_run: bool) -> tuple[dict[str, int], set[str], set[str]]:
    """Remove what people said of rows, from the file, its backups and copies of an older tilth's file.

    Args:
        path: `data/labels.sqlite`.
        row_ids: the rows.
        dry_run: count, and remove nothing.

    Returns:
        What was removed → how much; the ids among the given ones that were there; their texts.
    """
    counts: dict[str, int] = {}
    seen: set[str] = set()
    texts: set[str] = set()
    for copy in (path, *backups(path)) if path.exists() else backups(path):
        if copy != path:
            _bring_up_to_date(copy)
        with Answers.open(copy, read_only=True) as answers:
            entries = [entry for row_id in sorted(row_ids) for entry in answers.history(row_id, most=10**9)]
            texts |= set(answers.texts({entry["text_digest"] for entry in entries}).values())
        seen |= {entry["row_id"] for entry in entries}
        what = "answers" if copy == path else "answers in backups"
        counts[what] = counts.get(what, 0) + len(entries)
        if entries and not dry_run:
            with Answers.open(copy) as answers:
                answers.forget(row_ids)
    older = sorted(path.parent.glob(f"{path.stem}-version-*{path.suffix}"))
    if not dry_run:
        for copy in older:
            copy.unlink()
    return {**counts, "whole files of an older tilth's answers": len(older)}, seen, texts


def _bring_up_to_date(copy: Path) -> None:
    """Migrate a copy that an older tilth made, for no night does."""
    with explained(copy), closing(connect(copy, read_only=True)) as connection:
        version = schema.version(connection, copy)
    if version < schema.VERSION:
        with atomic(copy) as unfinished:
            shutil.copy2(copy, unfinished)
            Answers.open(unfinished).close()


def _answers_in(copy: Path) -> int:
    """How many entries a copy holds; 0 where it cannot be read, so that a better one takes its place."""
    try:
        with closing(connect(copy, read_only=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.Error:
        return 0
