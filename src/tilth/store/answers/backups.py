"""A copy of the answers for each day on which a night ran."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from tilth.store.answers.answer_file import Answers
from tilth.store.answers.failures import BACKUPS
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
        with atomic(target) as beside:
            answers.copy_to(beside)
    for old in backups(path)[:-keep]:
        old.unlink()
    return target


def backups(path: Path) -> list[Path]:
    """The dated copies of a file of answers, oldest first."""
    return sorted((path.parent / BACKUPS).glob(f"{path.stem}-*{path.suffix}"))


def _answers_in(copy: Path) -> int:
    """How many entries a copy holds; 0 where it cannot be read, so that a better one takes its place."""
    connection = sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()
