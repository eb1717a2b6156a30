"""A night's queue as a file for people to fill in elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from tilth.errors import RequestError, did_you_mean
from tilth.io.answers import QUEUE, group_ids
from tilth.io.csv_writer import write_csv
from tilth.io.readers import read_rows
from tilth.store import Run, atomic


def write_queue(run: Run, target: Path, *, force: bool = False) -> int:
    """Write the queue of a night as the target's ending says, and return how many rows it has.

    Raises:
        RequestError: another kind of file, or one that is there already.
    """
    if target.suffix.lower() not in WRITERS:
        kinds = did_you_mean(target.suffix, WRITERS)
        raise RequestError(f'{target}: "{target.suffix}" is no kind of file that a queue is written as; {kinds}')
    if target.exists() and not force:
        raise RequestError(f"{target} is there already; --force writes over it")
    queue, _ = read_rows(QUEUE, run.path)
    with atomic(target) as beside:
        WRITERS[target.suffix.lower()](queue, beside)
    return len(queue)


def _write_csv(queue: pd.DataFrame, target: Path) -> None:
    write_csv(queue, target)


def _write_jsonl(queue: pd.DataFrame, target: Path) -> None:
    """One object a row, with `group` as a list and numbers as numbers."""
    numbers = [name for name in map(str, queue) if name in ("rank", "score") or name.endswith("_confidence")]
    with target.open("w", encoding="utf-8") as file:
        for row in queue.to_dict("records"):
            plain = {str(name): None if pd.isna(value) else value for name, value in row.items()}
            plain |= {name: float(str(plain[name])) for name in numbers if plain[name] not in (None, "")}
            if "group" in plain:
                plain["group"] = list(group_ids(plain["group"]))
            file.write(json.dumps(plain, ensure_ascii=False) + "\n")


WRITERS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {".csv": _write_csv, ".jsonl": _write_jsonl}
"""Ending → what writes such a file; what people fill in comes back through `import_answers`."""
