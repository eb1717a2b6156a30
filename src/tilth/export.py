"""The better data set itself, ready to train on: text, labels, confidence as weight, provenance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from tilth import csv_rows
from tilth import samples as table
from tilth.errors import RequestError
from tilth.samples import Task
from tilth.store import Run, atomic, newest_table, read_table


def export(run: Run, target: Path) -> int:
    """Write the rows that training takes, for any task, and return how many they are.

    Columns: `id`, `text`, for each task `<task>`, `<task>_weight` (what training gives the row: the probability that
    the label is right, and of a paraphrase less, for it counts beside a row) and `<task>_origin`, then `source` and
    `parent_id`.

    Args:
        run: the night to export.
        target: `.csv`, `.jsonl`, `.parquet`, or a new folder for `datasets.load_from_disk`.

    Raises:
        RequestError: another kind of file, or a folder that is there already.
    """
    tasks = [Task.from_json(task) for task in run.record["tasks"]]
    frame = table.to_pandas(read_table(newest_table(run.path)))
    out = frame[["id", "text"]].copy()
    taken = pd.Series(False, index=frame.index)
    for task in tasks:
        learnable = pd.Series(table.learnable(frame, task.name), index=frame.index)
        taken |= learnable
        out[task.name] = frame[task.name].where(learnable)
        weight = pd.Series(table.lesson_weights(frame, task.name), index=frame.index)
        out[f"{task.name}_weight"] = weight.where(learnable)
        out[f"{task.name}_origin"] = frame[f"{task.name}_origin"].where(learnable)
    out[["source", "parent_id"]] = frame[["source", "parent_id"]]
    _write(out[taken].reset_index(drop=True), target)
    return int(taken.sum())


def _write(frame: pd.DataFrame, target: Path) -> None:
    kind = target.suffix.lower()
    if kind not in {".csv", ".jsonl", ".parquet", ""} or target.name.startswith("."):
        raise RequestError(
            f'{target}: "{kind or target.name}" is no kind that tilth writes; give .csv, .jsonl, .parquet or a folder'
        )
    if kind == "" and target.exists():
        raise RequestError(f"{target} is there already; give a new folder")
    with atomic(target) as beside:
        if kind == ".csv":
            csv_rows.write(frame, beside)
        elif kind == ".jsonl":
            frame.to_json(beside, orient="records", lines=True, force_ascii=False)
        elif kind == ".parquet":
            frame.to_parquet(beside, index=False)
        else:
            with _no_progress_bar():
                Dataset.from_pandas(frame, preserve_index=False).save_to_disk(str(beside))


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
