"""Rows that must go: out of every table, cache, record and answer of a workspace, and never read again.

What is removed is found by the row's id, by the ids of its paraphrases, and by its texts. Files are written anew,
beside, and then take the old one's place. Weights that learned from a row cannot lose it; nights to come learn without
it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tilth.store import files
from tilth.store.cache import FILES, FOLDERS, VECTORS
from tilth.store.fits import FIT_INDEX
from tilth.store.removal.mentions import Forgotten, forget_mentions, names_any
from tilth.store.vectors import Vectors
from tilth.store.workspace import Workspace

_HARMLESS = ("onnx",)
"""Kinds of the cache that hold nothing of any row."""


def find_everywhere(workspace: Workspace, row_ids: Iterable[str]) -> Forgotten:
    """The rows with all their paraphrases and texts, in whatever night."""
    forgotten = Forgotten(ids=set(row_ids))
    for path in _tables(workspace):
        table = pq.read_table(path, columns=_present(path, ("id", "parent_id", "text", "picture_digest")))
        mine = table.filter(_mask(table, forgotten.ids))
        here = {str(value) for value in (mine["id"].to_pylist() if "id" in mine.column_names else ())}
        forgotten.seen |= here
        forgotten.ids |= here
        for name in {"text", "picture_digest"} & set(mine.column_names):  # by which vectors are known
            forgotten.texts |= {str(value) for value in mine[name].to_pylist() if value}
    return forgotten


def forget_tables(workspace: Workspace, forgotten: Forgotten, *, dry_run: bool) -> list[Path]:
    """Take the rows out of every night's tables, queues and records; returns the folders of the nights touched."""
    touched = set()
    for path in _tables(workspace):
        table = pq.read_table(path)
        gone = _mask(table, forgotten.ids)
        count = pc.sum(gone).as_py() or 0
        column = "duplicate_of"
        names = (
            pc.is_in(table[column].cast(pa.string()), pa.array(sorted(forgotten.ids)))
            if column in table.column_names
            else None
        )
        if not count and not (names is not None and pc.any(names).as_py()):
            continue
        touched.add(path.parent)
        forgotten.add("rows in tables of nights", count)
        if not dry_run:
            if names is not None:
                place = table.column_names.index(column)
                table = table.set_column(place, column, pc.if_else(names, None, table[column]))
            kept = table.filter(pc.invert(gone))
            with files.atomic(path) as unfinished:
                pq.write_table(kept.replace_schema_metadata(None), unfinished, compression="zstd")
    for run in _run_folders(workspace):
        for path in sorted(path for path in run.iterdir() if path.suffix == ".csv"):
            forgotten.add("lines of queues", _forget_lines(path, forgotten, dry_run=dry_run))
        for path in (run / "run.json", run / "unreadable.txt"):
            if path.exists() and (count := forget_mentions(path, forgotten, dry_run=dry_run)):
                touched.add(run)
                forgotten.add("places in records", count)
    return sorted(touched)


def forget_caches(workspace: Workspace, forgotten: Forgotten, *, dry_run: bool) -> None:
    """Remove the rows' vectors, what else of the cache may hold a text, and carried state that names one."""
    keys = [bytes.fromhex(files.digest(text)) for text in sorted(forgotten.texts)]
    for kind in VECTORS:
        for folder in sorted((workspace.cache / kind).glob("*")):
            vectors = Vectors(folder)
            held = len(keys) - len(vectors.missing(keys))
            forgotten.add("vectors", held)
            if held and not dry_run:
                vectors.forget(keys)
    for kind in (*FOLDERS, *FILES):
        if kind in _HARMLESS:
            continue
        entries = sorted((workspace.cache / kind).glob("*"))
        forgotten.add("cached results, which the next night computes again", len(entries))
        if not dry_run:
            for path in entries:
                files.discard(path)
    for folder in sorted(workspace.state.glob("*")) if workspace.state.exists() else ():
        if (folder / FIT_INDEX).exists():
            forgotten.add("carried models of all rows, which are fitted anew", 1)
            if not dry_run:
                files.discard(folder)
        elif any(names_any(path, forgotten) for path in [folder, *folder.rglob("*")] if path.is_file()):
            forgotten.add("carried states that name them, which start afresh", 1)
            if not dry_run:
                files.discard(folder)


def _run_folders(workspace: Workspace) -> list[Path]:
    return [path for path in sorted(workspace.runs.glob("*")) if path.is_dir() and not path.is_symlink()]


def _tables(workspace: Workspace) -> list[Path]:
    return [path for run in _run_folders(workspace) for path in sorted(run.glob("*.parquet"))]


def _present(path: Path, names: Sequence[str]) -> list[str]:
    there = set(pq.read_schema(path).names)
    return [name for name in names if name in there]


def _mask(table: pa.Table, ids: Set[str]) -> pa.Array:
    """The rows of these ids, and those that came of them, boolean."""
    mine = pa.array([False] * table.num_rows)
    for name in ("id", "parent_id", "parent"):
        kind = table.schema.field(name).type if name in table.column_names else None
        if kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            mine = pc.or_(mine, pc.is_in(table[name], pa.array(sorted(ids), type=kind)))
    return mine


def _forget_lines(path: Path, forgotten: Forgotten, *, dry_run: bool) -> int:
    """Take rows out of a CSV file, cells as they are; an id among several in a cell goes alone."""
    limit = csv.field_size_limit(2**31 - 1)  # texts may be longer than what Python reads by itself
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    finally:
        csv.field_size_limit(limit)
    place = header.index("id") if "id" in header else None
    kept = [row for row in rows if not (place is not None and len(row) > place and row[place] in forgotten.ids)]
    if "group" in header:
        at = header.index("group")
        for row in kept:
            if len(row) > at and row[at].startswith("["):
                row[at] = json.dumps(
                    [one for one in json.loads(row[at]) if one not in forgotten.ids], ensure_ascii=False
                )
    count = len(rows) - len(kept)
    if not dry_run and (count or kept != rows):
        # Python quotes a carriage return by itself from 3.13 on; unquoted, it would end the row.
        lone = any("\r" in cell for row in kept for cell in row)
        with files.atomic(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL)
            writer.writerows([header, *kept])
    return count
