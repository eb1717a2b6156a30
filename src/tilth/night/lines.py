"""A night in plain lines, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def line(entry: Mapping[str, Any]) -> str:
    """One finished stage in one line."""
    if entry["skipped"]:
        return f"{entry['name']:<17} skipped: {entry['skipped']}"
    aside = [f"{count} {reason}" for reason, count in {**entry["quarantined"], **entry["review"]}.items()]
    rows = [f"{entry['rows_in']} rows in", f"{entry['rows_out']} out"]
    parts = [*rows, *_made(entry["name"], entry["metrics"]), *aside, f"{entry['seconds']:.1f} s"]
    return f"{entry['name']:<17} " + " · ".join(parts + (["cached"] if entry["cached"] else []))


def _made(name: str, metrics: Mapping[str, Any]) -> list[str]:
    """What a stage made of the rows, where it is no row set aside."""
    if name == "weak_supervision":
        counts = {task: found["weakly_labeled_without_label"] for task, found in metrics["tasks"].items()}
        return [f"{count} labels of {task}" for task, count in counts.items()]
    if name == "augmentation":
        return [f"{metrics['accepted']} paraphrases accepted, {metrics['used']} used"]
    if name == "active_learning":
        return [f"{metrics['asked']} to label"]
    return []


def plan_line(row: Mapping[str, Any]) -> str:
    """One stage of a plan in one line."""
    if not row["runs"]:
        return f"{row['stage']:<17} does not run: not asked for"
    rows = f"{row['rows']} rows" if row["exact"] else f"{row['rows']} rows or more"
    if row["cached"]:
        return f"{row['stage']:<17} runs on {rows}; from the cache: {row['folder']}"
    if row["after"] is not None:
        return f"{row['stage']:<17} runs on {rows}; whether it is cached depends on what {row['after']} says"
    return f"{row['stage']:<17} runs on {rows}; not cached"
