"""The story of each row, as plain JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.reports.explain.changes import of_label, of_status
from tilth.reports.explain.nearest import Nearest, nearest_labeled
from tilth.reports.explain.nights import nights_of
from tilth.reports.explain.tables import NightTables, read_night
from tilth.samples import Split

_GATE = ("noise_level", "similarity", "grammar_delta", "label_agreement", "novelty", "accepted", "used", "weight")
_OF_TASK = ("origin", "confidence", "reason", "given", "answer", "quality", "suggested", "action", "weak")
_CONFIDENCES = ("given", "suggested", "weak", "predicted")


def story(run: Path, row_id: str) -> dict[str, Any]:
    """The story of one row; see `stories`."""
    return stories(run, [row_id])[0]


def stories(run: Path, ids: Sequence[str]) -> list[dict[str, Any]]:
    """What a night, and those before it, made of each row, and why.

    A story holds `id`, `text`, `split`, `source`, `status`, `reason`, `came_from` (file and row), `input` (its other
    columns), `checks` (score and verdict of each), `duplicate_of`, `copies`, `parent`, `paraphrases`, `gate` (what a
    paraphrase was measured by), `queue` (rank and score, or null), `out_of_scope_score`, `passage` (of a long text,
    what the model went by most), `tasks`, `answers` (of people: who, when, what), `nights` (one entry a night, the
    oldest first), `would_change` (of the verdict on the text) and `why_not_nearest`.

    For each task `tasks` has `label`, `origin`, `confidence`, `reason`, `given`, `answer`, `quality`, `issue`,
    `suggested`, `action`, `weak`, `predicted`, the confidences of these, `annotations`, `votes` (function, label, and
    on how many labeled rows it votes and agrees), `nearest` (labeled rows: id, label, cosine, text), `weight` in
    training (null: not learned from) and `would_change`.

    Args:
        run: the night's folder.
        ids: of rows of its table.

    Raises:
        RequestError: the folder holds no record or no table.
        KeyError: the table holds no row of an id.
    """
    return NightStories.read(run).of(ids)


@dataclass(frozen=True)
class NightStories:
    """A night's tables and nearest rows, read once, for whoever asks about row after row."""

    night: NightTables
    near: Nearest

    @classmethod
    def read(cls, run: Path, *, nearest: bool = True) -> NightStories:
        """Read a run's folder; see `stories`."""
        night = read_night(run)
        return cls(night, nearest_labeled(night) if nearest else Nearest(why_not="not asked for"))

    def of(self, ids: Sequence[str], *, nights: bool = True) -> list[dict[str, Any]]:
        """The stories of these rows; see `stories`."""
        night = self.night
        places = [night.places[row_id] for row_id in ids]
        names = [task.name for task in night.tasks]
        before = nights_of(night.path.resolve().parent, set(ids), names) if nights else {}
        lines = night.frame.iloc[places].astype(object).to_dict("records")
        rows = [{str(name): _plain(value) for name, value in line.items()} for line in lines]
        return [
            _story(night, self.near, place, row, before.get(row["id"], []))
            for place, row in zip(places, rows, strict=True)
        ]


def _story(
    night: NightTables, near: Nearest, place: int, row: Mapping[str, Any], nights: list[dict[str, Any]]
) -> dict[str, Any]:
    config = night.record.get("config") or {}
    row_id = row["id"]
    return {
        **{name: row[name] for name in ("id", "text", "split", "source", "status", "reason")},
        **({"picture": row["picture_path"]} if row.get("picture_path") else {}),
        "came_from": night.came_from(place),
        "input": {name.removeprefix("meta."): value for name, value in row.items() if name.startswith("meta.")},
        "checks": _checks(row, [task.name for task in night.tasks]),
        "duplicate_of": row.get("duplicate_of"),
        "copies": [night.ids[other] for other in night.copies.get(row_id, [])],
        "parent": _brief(night, night.places.get(row["parent_id"])) if row["parent_id"] else None,
        "paraphrases": [_brief(night, other) for other in night.paraphrases.get(row_id, [])],
        "gate": {name: row.get(name) for name in _GATE} if row["parent_id"] else None,
        "queue": None
        if row.get("acquisition_rank") is None
        else {"rank": row["acquisition_rank"], "score": row.get("acquisition_score")},
        "out_of_scope_score": row.get("out_of_scope_score"),
        "passage": row.get("passage"),
        "tasks": {task.name: _task(night, near, place, row, task.name) for task in night.tasks},
        "answers": night.answers.get(row_id, []),
        "nights": nights,
        "would_change": of_status(row, config),
        "why_not_nearest": near.why_not,
    }


def _task(night: NightTables, near: Nearest, place: int, row: Mapping[str, Any], task: str) -> dict[str, Any]:
    weight = night.weights[task][place] if task in night.weights else math.nan
    annotations = row.get(f"{task}_annotations")
    # A gold label is shown as what it is, and nothing is said of how to change it.
    would_change = [] if row["split"] == Split.GOLD else of_label(row, task, night.record.get("config") or {})
    return {
        "label": row.get(task),
        **{name: row.get(f"{task}_{name}") for name in _OF_TASK},
        **{f"{name}_confidence": row.get(f"{task}_{name}_confidence") for name in _CONFIDENCES},
        "issue": bool(row.get(f"is_{task}_issue")),
        "predicted": row.get(f"{task}_predicted"),
        "propagated": bool(row.get(f"{task}_propagated")),
        "disputed": bool(row.get(f"{task}_disputed")),
        "annotations": json.loads(annotations) if annotations else [],
        "votes": _votes(night, row["id"], task),
        "nearest": _nearest(night, near, place, task),
        "weight": _plain(weight),
        "would_change": would_change,
    }


def _votes(night: NightTables, row_id: str, task: str) -> list[dict[str, Any]]:
    labels = next(one.labels for one in night.tasks if one.name == task)
    votes = []
    for name, code in night.votes_by_id.get(row_id, {}).items():
        if name.startswith(f"{task}.") and code < len(labels):
            voted, agreed = night.agreement.get(name, (0, 0))
            function = name.removeprefix(f"{task}.")
            votes.append({"function": function, "label": labels[code], "labeled_votes": voted, "agree": agreed})
    return votes


def _nearest(night: NightTables, near: Nearest, place: int, task: str) -> list[dict[str, Any]]:
    if task not in near.rows or place >= len(near.rows[task]):
        return []
    rows = []
    for other, cosine in zip(near.rows[task][place], near.cosines[task][place], strict=True):
        if other >= 0:
            line = {"id": night.ids[other], "label": night.labels[task][other], "cosine": round(float(cosine), 4)}
            rows.append({**line, "text": night.texts[other]})
    return rows


def _checks(row: Mapping[str, Any], tasks: Sequence[str]) -> list[dict[str, Any]]:
    checks = []
    for name, verdict in row.items():
        check = name.removeprefix("is_").removesuffix("_issue")
        if name == f"is_{check}_issue" and check not in tasks and verdict is not None:
            checks.append({"check": check, "score": row.get(f"{check}_score"), "issue": bool(verdict)})
    return checks


def _brief(night: NightTables, place: int | None) -> dict[str, Any] | None:
    if place is None:
        return None
    row = night.frame.iloc[place]
    names = ("id", "text", "status", "reason", "used")
    return {name: _plain(row[name]) for name in names if name in row}


def _plain(value: Any) -> Any:
    """As JSON has it: null for NaN, Python's own numbers; a float32 at the digits that it holds."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, str | bool):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value if isinstance(value, int | bool) else str(value)
