"""What only engineers read: the inputs by digest, each stage's own figures and metrics, where labels come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilth.reports.columns import column
from tilth.reports.page.files import RunFiles
from tilth.samples import Split
from tilth.store import fits_in_words
from tilth.text import word_count

_STAGE: dict[str, Any] = {
    "rows_in": 0,
    "rows_out": 0,
    "added": 0,
    "quarantined": {},
    "review": {},
    "seconds": 0.0,
    "cached": False,
    "skipped": None,
    "metrics": {},
    "figures": [],
    "fits": [],
}
_FIGURE = {"kind": "table", "title": "", "data": {}, "note": ""}


def engineers(run: RunFiles) -> dict[str, Any]:
    """Everything of the record that the sections above leave out."""
    record = run.record
    return {
        "table": run.table,
        "inputs": [dict(item) for item in record.get("inputs") or []],
        "notes": _notes((record.get("ingest") or {}).get("notes") or []),
        "promotion": record.get("promotion"),
        "splits": {split.value: int(run.rows["split"].eq(split).sum()) for split in Split},
        "lengths": _lengths(run),
        "stages": [_stage(entry) for entry in record.get("stages") or []],
        "quality": [_quality(run, task.name) for task in run.tasks],
        "traceback": (record.get("failed") or {}).get("traceback") if record.get("status") == "failed" else None,
    }


def _notes(kept: list[dict[str, Any]] | dict[str, int]) -> list[dict[str, Any]]:
    """The notes of a record; until 0.1.0 they were counts alone."""
    if isinstance(kept, dict):
        return [{"message": f"{name.replace('_', ' ')}: {count}", "first": None} for name, count in kept.items()]
    return [{"first": None, **note} for note in kept]


def _stage(entry: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: entry[name] for name in _STAGE if entry.get(name) is not None}
    stage = {"name": entry["name"], **_STAGE, **known}
    stage["taken_over"] = fits_in_words(stage["fits"])
    stage["figures"] = [{**_FIGURE, **figure} for figure in stage["figures"]]
    return stage


def _lengths(run: RunFiles) -> dict[str, Any] | None:
    if run.rows.empty:
        return None
    words = np.array([word_count(str(text or "")) for text in run.rows["text"]])
    # A few huge texts would flatten everything else, so the last bin takes what lies beyond the 99th percentile.
    top = max(int(np.ceil(np.quantile(words, 0.99))), 1)
    step = -(-(top + 1) // 20)
    edges = np.arange(0, top + 1 + step, step)
    counts, _ = np.histogram(np.minimum(words, top), bins=edges)
    note = f"Half the texts have at most {int(np.median(words))} words; the longest has {int(words.max()):,}."
    data = {"edges": edges.tolist(), "counts": counts.tolist(), "x_label": "words", "y_label": "rows"}
    return {"kind": "histogram", "title": "Length of the texts, in words", "data": data, "note": note}


def _quality(run: RunFiles, task: str) -> dict[str, Any]:
    rows = run.rows
    return {
        "task": task,
        "origins": column(rows, f"{task}_origin").dropna().astype(str).value_counts().to_dict(),
        "unlabeled": int(column(rows, task).isna().sum()),
        "changed": column(rows, f"{task}_reason").dropna().astype(str).value_counts().to_dict(),
        "issues": int(column(rows, f"is_{task}_issue").eq(True).sum()),
    }
