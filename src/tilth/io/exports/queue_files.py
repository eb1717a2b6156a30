"""A night's queue as a file for people to fill in elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pandas as pd

from tilth.errors import InputError, RequestError, did_you_mean
from tilth.io.answers import QUEUE, group_ids
from tilth.io.exports.annotation_tools import filled_elsewhere, write_argilla, write_label_studio
from tilth.io.exports.csv_writer import write_csv
from tilth.io.exports.export_files import save_folder
from tilth.io.exports.target_files import FOLDER, refuse_to_overwrite
from tilth.io.tables import read_rows
from tilth.notes import Notes
from tilth.samples import Task
from tilth.store import Run, atomic


def write_queue(
    run: Run, target: Path, *, kind: str | None = None, force: bool = False, only: Collection[str] | None = None
) -> int:
    """Write the queue of a night for whatever reads it, and return how many rows it has.

    Args:
        run: the night.
        target: a file, or a folder for `datasets`.
        kind: one of `WRITERS`; None: as the target's ending says.
        force: write over what is there.
        only: ids of the rows to write; None: all of them.

    Raises:
        RequestError: another kind of file, or one that is there already.
    """
    kind = queue_kind(target, kind)
    refuse_to_overwrite(target, FOLDER if kind == "datasets" else kind, force=force)
    queue, _ = read_rows(QUEUE, run.path)
    if only is not None:
        queue = queue[queue["id"].isin(set(only))]
    tasks = [Task.from_json(task) for task in run.record["tasks"]]
    with atomic(target) as unfinished:
        WRITERS[kind](queue, tasks, unfinished)
    return len(queue)


def read_filled_queue(name: str, root: Path, notes: Notes) -> pd.DataFrame:
    """The rows of a filled queue: a table of any kind, or JSON as Label Studio and Argilla export it.

    Args:
        name: of the file, or "-" for standard input.
        root: the folder that a relative name starts from.
        notes: where lines that could not be read are noted.

    Raises:
        InputError: the file is missing, or of another kind.
    """
    path = root / name
    if path.suffix.lower() != ".json":
        return read_rows(name, root, notes, ["id", "text"])[0]
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # of UTF-8, of JSON, and of what is nested too deep
        raise InputError(f"{path} is no JSON ({error}); a file with one object a line is called .jsonl") from None
    return filled_elsewhere(entries, path.name)


def queue_kind(target: Path, wanted: str | None = None) -> str:
    """Which of `WRITERS` a target is for, by its ending where nobody says it.

    Raises:
        RequestError: none of them.
    """
    if wanted is not None and wanted not in WRITERS:
        raise RequestError(f"--format {wanted}: {did_you_mean(wanted, WRITERS)}")
    ending = target.suffix.lower()
    if wanted is None and ending not in _KINDS:
        kinds = did_you_mean(ending, filter(None, _KINDS))
        raise RequestError(f'{target}: "{ending}" is no kind of file that a queue is written as; {kinds}, or a folder')
    return wanted or _KINDS[ending]


def _write_csv(queue: pd.DataFrame, _tasks: list[Task], target: Path) -> None:
    write_csv(queue, target)


def _write_jsonl(queue: pd.DataFrame, _tasks: list[Task], target: Path) -> None:
    """One object a row, with `group` as a list and numbers as numbers."""
    numbers = [name for name in map(str, queue) if name in ("rank", "score") or name.endswith("_confidence")]
    with target.open("w", encoding="utf-8") as file:
        for row in queue.to_dict("records"):
            plain = {str(name): None if pd.isna(value) else value for name, value in row.items()}
            plain |= {name: float(str(plain[name])) for name in numbers if plain[name] not in (None, "")}
            if isinstance(rank := plain.get("rank"), float):
                plain["rank"] = int(rank)
            if "group" in plain:
                plain["group"] = list(group_ids(plain["group"]))
            file.write(json.dumps(plain, ensure_ascii=False) + "\n")


def _write_folder(queue: pd.DataFrame, _tasks: list[Task], target: Path) -> None:
    """For `datasets.load_from_disk`; all columns are texts, as in the CSV file."""
    save_folder(queue.astype(object).map(str, na_action="ignore").where(queue.notna(), None), target)


WRITERS: Mapping[str, Callable[[pd.DataFrame, list[Task], Path], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "label-studio": write_label_studio,
    "argilla": write_argilla,
    "datasets": _write_folder,
}
"""Kind → what writes such a file; what people fill in comes back through `import_answers`."""
_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".json": "label-studio", "": "datasets"}
"""Ending → the kind that it says."""
