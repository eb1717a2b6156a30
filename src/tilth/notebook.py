"""For a notebook or a script: read rows as a night does, and find the nights that there were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.ingest import Ingested
    from tilth.store import Run


def read(
    path: str | Path,
    *,
    text: str = "text",
    tasks: Sequence[str] = ("label",),
    gold: str | Path | None = None,
    annotations: str | Path | None = None,
) -> Ingested:
    """The table that a night starts from, with its tasks, as `tilth run` reads it.

    Args:
        path: CSV, JSONL or Parquet file, or `hf:owner/name:split`.
        text: the text's column.
        tasks: label columns, parents before children: `["intent"]`, or `["domain", "domain/intent"]`.
        gold: rows that are only measured on.
        annotations: votes of several annotators, one a line: `id`, `annotator`, and a column of labels.

    Raises:
        InputError: a missing or unreadable file, a missing column, repeated ids, no usable row.
        ConfigError: a task below one that is not there.
    """
    from tilth import stage
    from tilth.config import load, parse_task
    from tilth.ingest import ingest

    overrides = {
        "data.input": [str(path)],
        "data.gold": None if gold is None else str(gold),
        "data.annotations": None if annotations is None else str(annotations),
        "data.text": text,
        "tasks": [parse_task(task) for task in tasks],
    }
    return ingest(load(None, overrides, stage.configs()), Path.cwd())


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
