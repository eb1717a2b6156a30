"""Labeling functions that rose or fell, came or went, or failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tilth.reports.columns import values
from tilth.reports.diff.side import Side
from tilth.reports.diff.significance import ALPHA, LEAST, holm, shares_differ
from tilth.samples import Task
from tilth.store import stage_metrics


def function_shares(side: Side) -> dict[str, dict[str, int]]:
    """Of each labeling function (`task.function`), the counts that its coverage and accuracy are shares of.

    `rows` that it was asked about, of which it `voted` on some; `labeled` rows among those have a given label, and on
    `right` of these it votes for it. Gold rows take no part.
    """
    if side.votes is None or side.frame is None:
        return {}
    rows = side.free_rows
    votes = side.votes.reindex(rows.index[rows.index.isin(side.votes.index)])
    rows = rows.loc[votes.index]
    shares = {}
    truths = {task.name: task.codes(values(rows, f"{task.name}_given")) for task in side.tasks.values()}
    for name in votes.columns:
        task = _task(name, side.tasks)
        if task is None:
            continue
        cast = votes[name].to_numpy(dtype=np.int64)
        truth = truths[task.name]
        measured = (cast >= 0) & (truth >= 0)
        shares[str(name)] = {
            "rows": len(cast),
            "voted": int((cast >= 0).sum()),
            "labeled": int(measured.sum()),
            "right": int((cast[measured] == truth[measured]).sum()),
        }
    return shares


def compare_functions(before: Side, after: Side) -> list[dict[str, Any]]:
    """Every function that either night knows, those with a `verdict` first.

    A verdict is `failed`, `new`, `gone`, `recovered`, or that its accuracy or coverage `rose` or `fell`: by Fisher's
    exact test, corrected for the number of functions, and by two points at least.
    """
    old, new = function_shares(before), function_shares(after)
    failed_before, failed = _left_out(before, old), _left_out(after, new)
    known = sorted({*old, *new, *failed_before, *failed})
    entries = [_entry(name, old.get(name), new.get(name)) for name in known]
    ids = _same_texts(before, after)
    for entry in entries:
        name = entry["name"]
        entry["left_out"] = (stage_metrics(after.record, "weak_supervision").get("left_out") or {}).get(name)
        entry["votes_changed"] = _votes_changed(before, after, ids, name) if name in old and name in new else None
        entry["verdicts"] = _standing(name, old, new, failed_before, failed) if before.votes is not None else []
    for share in ("coverage", "accuracy"):
        for entry, p in zip(entries, holm([entry["p"][share] for entry in entries]), strict=True):
            was, now = entry["before"].get(share), entry["after"].get(share)
            if p < ALPHA and abs(now - was) >= LEAST:
                entry["verdicts"].append(f"{share} {'rose' if now > was else 'fell'}")
    return sorted(entries, key=lambda entry: (not entry["verdicts"], entry["name"]))


def _task(name: object, tasks: Mapping[str, Task]) -> Task | None:
    """The task of `task.function`; a task's name holds no dot."""
    return tasks.get(str(name).partition(".")[0])


def _left_out(side: Side, voted: Mapping[str, Any]) -> dict[str, str]:
    """Functions and files that cast no vote at all, and why."""
    left_out = stage_metrics(side.record, "weak_supervision").get("left_out") or {}
    return {name: str(why) for name, why in left_out.items() if name not in voted}


def _entry(name: str, was: Mapping[str, int] | None, now: Mapping[str, int] | None) -> dict[str, Any]:
    p = {"coverage": 1.0, "accuracy": 1.0}
    if was is not None and now is not None:
        p["coverage"] = shares_differ(now["voted"], now["rows"], was["voted"], was["rows"])
        p["accuracy"] = shares_differ(now["right"], now["labeled"], was["right"], was["labeled"])
    return {"name": name, "before": _shares(was), "after": _shares(now), "p": p}


def _shares(counts: Mapping[str, int] | None) -> dict[str, Any]:
    if counts is None:
        return {}
    return {
        **counts,
        "coverage": round(counts["voted"] / counts["rows"], 4) if counts["rows"] else None,
        "accuracy": round(counts["right"] / counts["labeled"], 4) if counts["labeled"] else None,
    }


def _standing(
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    failed_before: Mapping[str, str],
    failed: Mapping[str, str],
) -> list[str]:
    if name in failed and name not in failed_before:
        return ["failed"]
    if name in new and name not in old:
        return ["recovered" if name in failed_before else "new"]
    if name in old and name not in new and name not in failed:
        return ["gone"]
    return []


def _same_texts(before: Side, after: Side) -> pd.Index:
    """The rows with the same text in both nights that both asked the functions about."""
    if before.votes is None or after.votes is None:
        return pd.Index([], dtype=object)
    old, new = before.free_rows, after.free_rows
    ids = new.index[new.index.isin(old.index) & new.index.isin(before.votes.index) & new.index.isin(after.votes.index)]
    return ids[values(old.loc[ids], "text") == values(new.loc[ids], "text")]


def _votes_changed(before: Side, after: Side, ids: pd.Index, name: str) -> int:
    """Rows, of these, on which the function votes otherwise now."""
    was, now = (_labels(side, name, ids) for side in (before, after))
    return int((was != now).sum())


def _labels(side: Side, name: str, ids: pd.Index) -> np.ndarray:
    task = _task(name, side.tasks)
    if side.votes is None or task is None:
        return np.full(len(ids), None, dtype=object)
    places = side.votes.index.get_indexer(ids)
    return task.decoded(side.votes[name].to_numpy(dtype=np.int64)[places])
