"""The counts of an audit, its classes and how its wrong labels were found, as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tilth.reports.audit.findings import CONFLICT, KINDS, WRONG, Rows
from tilth.samples import Task

MOST_CLASSES = 200
"""Classes that a summary lists; the rest are counted."""


def summarize(rows: Rows, findings: pd.DataFrame, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, over all rows and for each class.

    Args:
        rows: the audited rows.
        findings: as `find` gives them.
        metrics: cleaning's.
    """
    return {
        "rows": len(rows.frame),
        "findings": {kind: int(findings["finding"].eq(kind).sum()) for kind in KINDS},
        "rows_with_findings": int(findings["row"].nunique()),
        "tasks": [_task(rows, task, findings, metrics["tasks"][task.name]) for task in rows.tasks],
    }


def _task(rows: Rows, task: Task, findings: pd.DataFrame, metrics: Mapping[str, Any]) -> dict[str, Any]:
    given = rows.frame[f"{task.name}_given"].dropna()
    mine = findings[findings["task"].eq(task.name)]
    wrong = mine[mine["finding"].eq(WRONG)]
    classes = [_class(str(label), int(count), len(given), wrong, mine) for label, count in given.value_counts().items()]
    classes.sort(key=lambda one: (-one["wrong"], -one["rows"], one["label"]))
    return {
        "task": task.name,
        "labeled": len(given),
        "classes": len(classes),
        "wrong": len(wrong),
        "measured": _measured(metrics),
        "pairs": _pairs(wrong),
        "by_class": classes[:MOST_CLASSES],
    }


def _class(label: str, count: int, labeled: int, wrong: pd.DataFrame, mine: pd.DataFrame) -> dict[str, Any]:
    own = wrong[wrong["label"].eq(label)]
    rather = own["suggested"].value_counts()
    return {
        "label": label,
        "rows": count,
        "share": round(count / labeled, 4),
        "wrong": len(own),
        "conflicting": int((mine["label"].eq(label) & mine["finding"].eq(CONFLICT)).sum()),
        "missed": int(wrong["suggested"].eq(label).sum()),
        "rather": str(rather.index[0]) if len(rather) else None,
    }


def _pairs(wrong: pd.DataFrame) -> list[dict[Any, Any]]:
    """The classes that are taken for one another most often: given, suggested, rows."""
    counts = wrong.groupby(["label", "suggested"]).size().rename("rows").reset_index()
    most = counts.sort_values("rows", ascending=False, kind="stable").head(12)
    return [{**line, "rows": int(line["rows"])} for line in most.to_dict("records")]


def _measured(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """By which measure labels are called wrong, how well that should do, and what share of the labels is wrong."""
    score = (metrics.get("measured") or {}).get(metrics.get("filter")) or {}
    interval = metrics.get("error_rate_interval") or (None, None)
    ends = score.get("precision_interval") or (None, None)
    figures = {
        "filter": metrics.get("filter"),
        "planted": metrics.get("planted") or 0,
        "precision": score.get("precision"),
        "precision_low": ends[0],
        "precision_high": ends[1],
        "recall": score.get("recall"),
        "error_rate": metrics.get("error_rate"),
        "error_rate_low": interval[0],
        "error_rate_high": interval[1],
        "single_row_classes": len(metrics.get("single_row_classes") or ()),
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }
