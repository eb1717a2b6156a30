"""The numbers of a report, as plain JSON: what `report.json` holds and `report.html` shows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import RequestError
from tilth.reports.example_rows import column, queue, verdicts
from tilth.samples import Source, Split, Status
from tilth.stage import Figure

MOST_CLASSES = 40
_ESTIMATED = "cross-validated estimate by a linear model, for want of gold rows"
_DEFAULTS: dict[str, Any] = {
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
}
_FIGURE = {"kind": "table", "title": "", "data": {}, "note": ""}


def gather(folder: Path) -> dict[str, Any]:
    """All that the report shows of one run.

    Raises:
        RequestError: no `run.json`, or no table beside it.
    """
    if not (folder / "run.json").is_file():
        raise RequestError(f"{folder} holds no run.json; expected the folder of a run, as in data/runs/latest")
    tables = sorted(path for path in folder.glob("*.parquet") if re.match(r"\d-", path.name))
    if not tables:
        raise RequestError(f"{folder} holds no table; expected 0-input.parquet: start the night again with tilth run")
    record = store.read_json(folder / "run.json")
    frame = table.to_pandas(store.read_table(tables[-1]))
    tasks = [task["name"] for task in record.get("tasks") or []]
    report: dict[str, Any] = {
        **_headline(record, frame),
        "table": tables[-1].name,
        "inputs": record.get("inputs") or [],
        "notes": _notes((record.get("ingest") or {}).get("notes") or []),
        "came_in": _came_in(frame, tasks),
        "stages": [_stage(entry) for entry in record.get("stages") or []],
        "quality": [_quality(frame, task) for task in tasks],
        "balance": [_balance(frame, task) for task in tasks],
        "examples": verdicts(frame, tasks),
        "queue": queue(frame, tasks),
    }
    return {name: _finite(part) for name, part in report.items()}


def _headline(record: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    gold = dict(record.get("gold") or {})
    gold_rows = gold.pop("rows", 0)
    scores = gold or dict(record.get("cross_validated") or {})
    original = frame["source"].ne(Source.PARAPHRASE)
    return {
        "run_id": record.get("run_id", "unknown"),
        "status": record.get("status", "unknown"),
        "error": record.get("error"),
        "started": record.get("started"),
        "seconds": record.get("seconds"),
        "tilth": record.get("tilth"),
        "rows": {
            "input": int(original.sum()),
            "active": int((original & frame["status"].eq(Status.ACTIVE)).sum()),
            "review": int((original & frame["status"].eq(Status.REVIEW)).sum()),
            "quarantined": int((original & frame["status"].eq(Status.QUARANTINED)).sum()),
            "paraphrases": int((~original & column(frame, "used").eq(True)).sum()),
            "queued": int(column(frame, "acquisition_rank").notna().sum()),
        },
        "measured": f"on {gold_rows} gold rows" if gold else _ESTIMATED,
        "scores": {task: value for task, value in scores.items() if isinstance(value, Mapping)},
        "promoted": record.get("promoted"),
        "promotion": record.get("promotion"),
    }


def _notes(kept: list[dict[str, Any]] | dict[str, int]) -> list[dict[str, Any]]:
    """The notes of a record; until 0.1.0 they were counts alone."""
    if isinstance(kept, dict):
        return [{"message": f"{name.replace('_', ' ')}: {count}", "first": None} for name, count in kept.items()]
    return kept


def _came_in(frame: pd.DataFrame, tasks: list[str]) -> dict[str, Any]:
    rows = frame[frame["source"].ne(Source.PARAPHRASE)]
    labeled = {task: int(column(rows, f"{task}_given").notna().sum()) for task in tasks}
    figures = [_lengths(rows["text"])] if len(rows) else []
    language = next((rows[name] for name in ("meta.language", "meta.lang") if name in rows), None)
    if language is not None and language.notna().any():
        counts = language.dropna().astype(str).value_counts().head(15)
        figures.append(_figure("bar", "Rows by language", {"labels": list(counts.index), "values": counts.tolist()}))
    return {
        "splits": {split.value: int(rows["split"].eq(split).sum()) for split in Split},
        "labeled": {task: {"rows": count, "share": count / max(len(rows), 1)} for task, count in labeled.items()},
        "figures": figures,
    }


def _lengths(texts: pd.Series) -> dict[str, Any]:
    words = np.array([len(str(text or "").split()) for text in texts])
    # A few huge texts would flatten everything else, so the last bin takes what lies beyond the 99th percentile.
    top = max(int(np.ceil(np.quantile(words, 0.99))), 1)
    edges = np.arange(0, top + 1 + (step := math.ceil((top + 1) / 20)), step)
    counts, _ = np.histogram(np.minimum(words, top), bins=edges)
    note = f"Half the texts have at most {int(np.median(words))} words; the longest has {int(words.max())}."
    data = {"edges": edges.tolist(), "counts": counts.tolist(), "x_label": "words", "y_label": "rows"}
    return _figure("histogram", "Length of the texts, in words", data, note)


def _stage(entry: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: entry[name] for name in _DEFAULTS if entry.get(name) is not None}
    stage = {"name": entry["name"], **_DEFAULTS, **known}
    stage["figures"] = [{**_FIGURE, **figure} for figure in stage["figures"]]
    return stage


def _quality(frame: pd.DataFrame, task: str) -> dict[str, Any]:
    rows = frame[frame["source"].ne(Source.PARAPHRASE)]
    origins = column(rows, f"{task}_origin").dropna().astype(str).value_counts()
    changed = column(rows, f"{task}_reason").dropna().astype(str).value_counts()
    quality = pd.to_numeric(column(rows, f"{task}_quality"), errors="coerce").dropna()
    figures = []
    if len(quality):
        counts, edges = np.histogram(quality, bins=20, range=(0, 1))
        data = {"edges": edges.round(2).tolist(), "counts": counts.tolist(), "x_label": "quality", "y_label": "rows"}
        figures.append(_figure("histogram", f"{task}: label quality", data, "Low: the label is probably wrong."))
    return {
        "task": task,
        "origins": origins.to_dict(),
        "unlabeled": int(column(rows, task).isna().sum()),
        "changed": changed.to_dict(),
        "issues": int(column(rows, f"is_{task}_issue").eq(True).sum()),
        "figures": figures,
    }


def _balance(frame: pd.DataFrame, task: str) -> dict[str, Any]:
    rows = frame[frame["source"].ne(Source.PARAPHRASE)]
    now, given = (column(rows, name).dropna().astype(str).value_counts() for name in (task, f"{task}_given"))
    both = pd.DataFrame({"given": given, "current": now}).fillna(0).astype(int)
    both = both.assign(most=both.max(axis=1)).sort_values("most", ascending=False, kind="stable")
    shown, more = both.head(MOST_CLASSES), max(len(both) - MOST_CLASSES, 0)
    series = {name: shown[name].tolist() for name in ("given", "current")}
    data = {"labels": [str(label) for label in shown.index], "series": series, "x_label": "rows"}
    return {
        "task": task,
        "classes": len(both),
        "more": more,
        "figure": _figure("bar", f"{task}: rows per class", data, f"… and {more} more classes." if more else ""),
    }


def _figure(kind: str, title: str, data: dict[str, Any], note: str = "") -> dict[str, Any]:
    return Figure(kind=kind, title=title, data=data, note=note).to_json()


def _finite(value: Any) -> Any:
    """The same without NaN and infinity, which JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
