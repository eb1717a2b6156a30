"""For a notebook or a script: read rows as a night does, and find the nights that there were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

    from tilth.io.ingestion import Ingested
    from tilth.store import Run


def read(
    rows: str | Path | pd.DataFrame | Dataset,
    *,
    text: str = "text",
    image: str | None = None,
    tasks: str | Sequence[str] = ("label",),
    gold: str | Path | pd.DataFrame | Dataset | None = None,
    annotations: str | Path | pd.DataFrame | Dataset | None = None,
) -> Ingested:
    """The table that a night starts from, with its tasks, as `tilth run` reads it.

    Args:
        rows: CSV, JSONL or Parquet file, `hf:owner/name:split`, a DataFrame, or a `datasets.Dataset`.
        text: the text's column.
        image: the column of pictures, where rows have some: paths, or bytes.
        tasks: label columns, parents before children: `["intent"]`, or `["domain", "domain/intent"]`.
        gold: rows that are only measured on.
        annotations: votes of several annotators, one a line: `id`, `annotator`, and a column of labels.

    Raises:
        InputError: a missing or unreadable file, a missing column, repeated ids, no usable row.
        ConfigError: a task below one that is not there.
    """
    from tilth.config import load, parse_task
    from tilth.io.ingestion import ingest

    loaded: dict[str, pd.DataFrame | Dataset] = {}
    overrides = {
        "data.input": [_name(rows, "rows", loaded)],
        "data.gold": None if gold is None else _name(gold, "gold", loaded),
        "data.annotations": None if annotations is None else _name(annotations, "annotations", loaded),
        "data.text": text,
        "data.image": image,
        "tasks": [parse_task(task) for task in ([tasks] if isinstance(tasks, str) else tasks)],
    }
    return ingest(load(None, overrides, {}), Path.cwd(), loaded)


def _name(rows: Any, role: str, loaded: dict[str, pd.DataFrame | Dataset]) -> str:
    """What a night calls some rows: their path, or, of what is in memory, a name that it is put down under."""
    import pandas as pd
    from datasets import Dataset

    if isinstance(rows, (str, Path)):
        return str(rows)
    if isinstance(rows, (pd.DataFrame, Dataset)):
        name = f"the {type(rows).__name__} of {role}"
        loaded[name] = rows
        return name
    splits = f"; give one of its splits, {', '.join(map(repr, rows))}" if isinstance(rows, dict) and rows else ""
    raise InputError(f"{role}: found {type(rows).__name__}, expected a path, a DataFrame or a datasets.Dataset{splits}")


def runs(workspace: str | Path | None = None) -> list[Run]:
    """The nights of a workspace, oldest first; each has a `path` and a `record`.

    Args:
        workspace: its folder; without it, the one that holds the current folder.

    Raises:
        RequestError: there is no workspace.
    """
    from tilth import store

    config = None if workspace is None else Path(workspace) / "tilth.toml"
    return store.all_runs(store.locate(config).runs)
