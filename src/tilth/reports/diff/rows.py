"""Rows that came, went or changed: texts, labels, statuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tilth.reports.columns import column, values
from tilth.reports.diff.side import Side
from tilth.samples import Origin, Reason, Source, Split

_REVIEW = (Reason.LABEL_REVIEW, Reason.CONFLICTING_COPIES)
_FROM_MODELS = (Origin.WEAK, Origin.PROPAGATED)
BY_PEOPLE = ("a person answered", "the input has another label")
"""Causes of a changed label that lie outside the night."""


def compare_rows(before: Side, after: Side, most: int) -> dict[str, Any]:
    """Rows added, removed and retexted, matched by id; `most` of each are shown."""
    old, new = before.rows, after.rows
    added, removed = new[~new.index.isin(old.index)], old[~old.index.isin(new.index)]
    shared = new.index[new.index.isin(old.index)]
    changed = shared[values(old.loc[shared], "text") != values(new.loc[shared], "text")]
    texts = zip(changed[:most], old.loc[changed[:most], "text"], new.loc[changed[:most], "text"], strict=True)
    return {
        "before": len(old),
        "after": len(new),
        "added": {"count": len(added), "splits": _splits(added), "shown": _shown(added, most)},
        "removed": {"count": len(removed), "splits": _splits(removed), "shown": _shown(removed, most)},
        "retexted": {
            "count": len(changed),
            "shown": [{"id": one, "before": was, "after": now} for one, was, now in texts],
        },
        "paraphrases": {"before": _paraphrases(before), "after": _paraphrases(after)},
        "queue": {"before": _queued(old), "after": _queued(new)},
    }


def compare_labels(before: Side, after: Side, task: str, most: int) -> dict[str, Any]:
    """Current labels that are not what they were, of rows that are in both and are not gold; from, to and why."""
    old, new = _shared(before, after)
    was, now = values(old, task), values(new, task)
    changed = np.flatnonzero(was != now)
    changes = pd.DataFrame(
        {
            "id": new.index[changed],
            "text": values(new, "text")[changed],
            "from": was[changed],
            "to": now[changed],
            "why": _why(old.iloc[changed], new.iloc[changed], task),
            "origin_before": values(old, f"{task}_origin")[changed],
            "origin_after": values(new, f"{task}_origin")[changed],
        }
    )
    pairs = _counted(changes, ["from", "to"])
    return {
        "count": len(changes),
        "why": {str(word): int(count) for word, count in changes["why"].value_counts().items()},
        "pairs": pairs[:most],
        "more_pairs": max(len(pairs) - most, 0),
        "shown": _records(changes.head(most)),
    }


def compare_status(before: Side, after: Side, most: int) -> dict[str, Any]:
    """Verdicts on texts that are not what they were, of rows that are in both."""
    old, new = _shared(before, after)
    was, now = values(old, "status"), values(new, "status")
    changed = np.flatnonzero(was != now)
    reason = np.where(now == "active", values(old, "reason"), values(new, "reason"))
    changes = pd.DataFrame(
        {
            "id": new.index[changed],
            "text": values(new, "text")[changed],
            "from": was[changed],
            "to": now[changed],
            "reason": reason[changed],
        }
    )
    return {
        "count": len(changes),
        "changes": _counted(changes, ["from", "to", "reason"]),
        "shown": _records(changes.head(most)),
    }


def _shared(before: Side, after: Side) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that both have and that are gold in neither, in one order."""
    old, new = before.free_rows, after.free_rows
    ids = new.index[new.index.isin(old.index)]
    return old.loc[ids], new.loc[ids]


def _why(old: pd.DataFrame, new: pd.DataFrame, task: str) -> np.ndarray:
    """In words, the nearest cause of a label's change, one a row."""

    def differs(name: str) -> np.ndarray:
        return np.asarray(values(old, name) != values(new, name))

    origin_was, origin = column(old, f"{task}_origin"), column(new, f"{task}_origin")
    reason_was, reason = column(old, f"{task}_reason"), column(new, f"{task}_reason")
    gone = column(new, task).isna()
    causes = {
        BY_PEOPLE[0]: differs(f"{task}_answer"),
        BY_PEOPLE[1]: differs(f"{task}_given"),
        "its text changed": differs("text"),
        "cleaning corrects it": origin.eq(Origin.CORRECTED),
        "cleaning no longer corrects it": origin_was.eq(Origin.CORRECTED),
        "cleaning suggests it, and no longer believes the given one": origin.eq(Origin.SUGGESTED),
        "its given label waits for a person": gone & reason.isin(_REVIEW),
        "its given label is set aside": gone & reason.eq(Reason.LABEL_ISSUE),
        "it no longer agrees with its parent or child": gone & reason.eq(Reason.HIERARCHY),
        "its given label stands again": origin.eq(Origin.GIVEN) & reason_was.notna(),
        "labeling functions are no longer sure": gone & origin_was.isin(_FROM_MODELS),
        "labeling functions say so": origin.isin(_FROM_MODELS),
        "it follows from the child's label": reason.eq(Reason.FROM_CHILD),
    }
    return np.select([np.asarray(rows, dtype=bool) for rows in causes.values()], list(causes), "for another reason")


def _paraphrases(side: Side) -> dict[str, int] | None:
    if side.frame is None or "used" not in side.frame:
        return None
    rows = side.frame[side.frame["source"].eq(Source.PARAPHRASE)]
    return {name: int(column(rows, name).eq(True).sum()) for name in ("accepted", "used")}


def _queued(rows: pd.DataFrame) -> int | None:
    return int(rows["acquisition_rank"].notna().sum()) if "acquisition_rank" in rows else None


def _splits(rows: pd.DataFrame) -> dict[str, int]:
    return {split.value: int(rows["split"].eq(split).sum()) for split in Split}


def _shown(rows: pd.DataFrame, most: int) -> list[dict[str, Any]]:
    return _records(rows[["id", "text", "split"]].head(most))


def _counted(frame: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Each combination of values with its `rows`, the most common first."""
    counts = frame.groupby(names, dropna=False, sort=False).size().reset_index(name="rows")
    return _records(counts.sort_values("rows", ascending=False, kind="stable"))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.to_dict("records")
    return [{str(name): value if pd.notna(value) else None for name, value in row.items()} for row in rows]
