"""The rows that an answer may be about: of the input as it is, and of earlier nights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

import pandas as pd

from tilth.errors import RequestError
from tilth.io.answers.filled_rows import group_ids
from tilth.io.answers.importing import KnownRows
from tilth.io.answers.shown import shown_of_rows
from tilth.store import Run, find, newest_table, read_column, records

QUEUE = "queue.csv"


def known_rows(filled: pd.DataFrame, texts: Mapping[str, str], runs: Path, night_run: Run | None) -> KnownRows:
    """All that an import needs to know of the rows that a filled queue names.

    Args:
        filled: the queue.
        texts: id → text, of the input as it is now.
        runs: the folder of all nights, where rows are looked for that are not in the input any more.
        night_run: the night whose queue it is; None: nothing is known of what was shown.
    """
    ids = {str(row_id) for row_id in filled["id"].dropna()} if "id" in filled else set()
    for value in filled.get("group", ()):
        try:
            ids |= {*group_ids(value)}
        except ValueError:  # reported when the answers are read
            continue
    gone = _in_earlier_nights(ids - texts.keys(), runs)
    return KnownRows(texts=texts, gone=gone, shown=shown_of_rows(night_run, ids) if night_run is not None else {})


def _in_earlier_nights(ids: Iterable[str], runs: Path) -> dict[str, str]:
    missing = set(ids)
    texts_by_id: dict[str, str] = {}
    for run, _ in reversed(records(runs)):
        if not missing:
            break
        try:
            path = newest_table(run.path)
        except RequestError:  # tilth clean removed its tables
            continue
        columns = (chain.from_iterable(read_column(path, name)) for name in ("id", "text"))
        there = {row_id: text for row_id, text in zip(*columns, strict=True) if row_id in missing}
        texts_by_id |= there
        missing -= there.keys()
    return texts_by_id


def run_with_queue(runs: Path, name: str | None = None) -> Run:
    """The night of that name, or the newest one that asks something.

    Raises:
        RequestError: there is none.
    """
    if name is not None:
        run = find(runs, name)
        if not (run.path / QUEUE).exists():
            raise RequestError(f"run {run.path.name} has no {QUEUE}: it asks nothing, or active_learning was left out")
        return run
    newest = next((run for run, _ in reversed(records(runs)) if (run.path / QUEUE).exists()), None)
    if newest is None:
        raise RequestError(f"no night in {runs} has a queue yet; make one with: tilth run --to active_learning")
    return newest
