"""The rows that a report shows: a few for each verdict, and the top of the labeling queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tilth.samples import Origin, Source, Status

SHOWN = 12
QUEUE = 25
_LONGEST = 200


def shorten(text: str, longest: int = _LONGEST) -> str:
    """The text in at most `longest` characters, the last one an ellipsis where it was cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column, or one of nulls where no stage has written it yet."""
    return frame[name] if name in frame else pd.Series([None] * len(frame), index=frame.index, dtype=object)


def verdicts(frame: pd.DataFrame, tasks: Sequence[str]) -> list[dict[str, Any]]:
    """For each verdict with any row: its title, how many rows, and up to `SHOWN` of them."""
    original = frame["source"].ne(Source.PARAPHRASE)
    sections = [
        _section(
            f"Rows {word}", frame[original & frame["status"].eq(status)], {"reason": "reason", **_given(frame, tasks)}
        )
        for word, status in (("quarantined", Status.QUARANTINED), ("for review", Status.REVIEW))
    ]
    for task in tasks:
        origin = column(frame, f"{task}_origin")
        sections += [
            _section(
                f"{task}: labels corrected",
                frame[original & origin.eq(Origin.CORRECTED)],
                {
                    f"{task}_given": "given",
                    task: "now",
                    f"{task}_confidence": "confidence",
                    f"{task}_quality": "quality",
                },
            ),
            _section(
                f"{task}: labels from labeling functions",
                frame[original & origin.eq(Origin.WEAK)],
                {task: "label", f"{task}_confidence": "confidence"},
            ),
        ]
    return [section for section in sections + _paraphrases(frame, tasks) if section["count"]]


def _given(frame: pd.DataFrame, tasks: Sequence[str]) -> dict[str, str]:
    given = {f"{task}_given": f"{task} as given" for task in tasks}
    return {**given, "duplicate_of": "duplicate of"} if column(frame, "duplicate_of").notna().any() else given


def _paraphrases(frame: pd.DataFrame, tasks: Sequence[str]) -> list[dict[str, Any]]:
    rows = frame[frame["source"].eq(Source.PARAPHRASE)].copy()
    originals = frame[frame["source"].ne(Source.PARAPHRASE)].drop_duplicates("id").set_index("id")["text"]
    rows["parent"] = rows["parent_id"].map(originals)
    accepted = column(rows, "accepted").eq(True)
    shown = {"parent": "source", **dict(zip(tasks, tasks, strict=True)), "similarity": "similarity"}
    shown["novelty"] = "novelty"
    return [
        _section("Paraphrases accepted", rows[accepted], shown),
        _section("Paraphrases rejected", rows[~accepted], {"reason": "reason", **shown}),
    ]


def queue(frame: pd.DataFrame, tasks: Sequence[str]) -> dict[str, Any]:
    """The rows that a person should label first, in order."""
    ranked = frame[column(frame, "acquisition_rank").notna()]
    ranked = ranked.sort_values("acquisition_rank") if len(ranked) else ranked
    shown = {"acquisition_rank": "rank", "acquisition_score": "score"}
    shown |= {f"{task}_predicted": f"{task} predicted" for task in tasks if f"{task}_predicted" in frame}
    return _section("The top of the labeling queue", ranked, shown, QUEUE)


def _section(title: str, rows: pd.DataFrame, shown: dict[str, str], most: int = SHOWN) -> dict[str, Any]:
    names = {name: label for name, label in shown.items() if name in rows}
    head = rows.head(most)
    return {
        "title": title,
        "count": len(rows),
        "columns": ["id", "text", *names.values()],
        "rows": [[_value(row[name]) for name in ("id", "text", *names)] for row in head.to_dict("records")],
    }


def _value(value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, str):
        return shorten(value)
    number = float(value)
    return int(number) if number.is_integer() else round(number, 4)
