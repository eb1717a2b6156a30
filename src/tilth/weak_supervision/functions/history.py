"""How functions did on the last nights, carried from one to the next, and which of them have drifted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilth.store import read_json, write_json

NIGHTS_KEPT = 14
"""Nights that are remembered: two weeks, so that every weekday is among them twice."""
SURE = 4.0
"""Standard errors by which a change exceeds chance; with a hundred functions a night, one false alarm in years."""
_FILE = "history.json"


@dataclass(frozen=True, kw_only=True)
class FunctionRecord:
    """How one function did on one night.

    Attributes:
        key: its fingerprint, so that an edited function starts afresh.
        rows: rows that it was applied to.
        voted: rows that it voted on.
        labeled: of those, the ones with a known label.
        right: of those, the ones on which it was right.
    """

    key: str
    rows: int
    voted: int
    labeled: int
    right: int

    def to_json(self) -> dict[str, Any]:
        """As it stands in the carried history, where `labeled` is called "told"."""
        return {"key": self.key, "rows": self.rows, "voted": self.voted, "told": self.labeled, "right": self.right}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FunctionRecord:
        """The inverse of `to_json`."""
        return cls(
            key=stored["key"],
            rows=stored["rows"],
            voted=stored["voted"],
            labeled=stored["told"],
            right=stored["right"],
        )


History = Mapping[str, Sequence[FunctionRecord]]


def read_history(carried: Path | None) -> dict[str, list[FunctionRecord]]:
    """Each function's records of the last nights, oldest first."""
    if carried is None or not (carried / _FILE).is_file():
        return {}
    stored: dict[str, list[dict[str, Any]]] = read_json(carried / _FILE)
    return {name: [FunctionRecord.from_json(night) for night in nights] for name, nights in stored.items()}


def write_history(
    folder: Path,
    before: History,
    tonight: Mapping[str, FunctionRecord],
    drifted: Collection[str],
    not_measured: Collection[str] = (),
) -> Path:
    """Write the history for the next night; functions that are gone are dropped.

    Args:
        folder: is made.
        before: the records of the nights before.
        tonight: how each function did.
        drifted: those that are measured against their better nights tomorrow too, and so do not enter.
        not_measured: those that may be there but were not measured tonight; they keep the nights that they had. One
            that was measured all the same may be among them.
    """
    records: dict[str, list[FunctionRecord]] = {name: list(before[name]) for name in not_measured if name in before}
    for name, now in tonight.items():
        same = [one for one in before.get(name, ()) if one.key == now.key]
        records[name] = same if name in drifted else [*same, now][-NIGHTS_KEPT:]
    folder.mkdir(parents=True)
    write_json(
        folder / _FILE, {name: [night.to_json() for night in nights] for name, nights in sorted(records.items())}
    )
    return folder


def describe_drift(now: FunctionRecord, before: Sequence[FunctionRecord], most: float) -> str:
    """Why a function is not what it was on the nights before, or "" where it is.

    Args:
        now: tonight.
        before: nights before; those of another fingerprint do not count.
        most: the largest factor by which coverage may change.
    """
    same = [one for one in before if one.key == now.key and one.rows]
    if not same or not now.rows:
        return ""
    usual, share = _pooled([(one.voted, one.rows) for one in same]), now.voted / now.rows
    if max(share, usual) > most * max(min(share, usual), 1 / (most * now.rows)) and _differ(
        share, now.rows, usual, sum(one.rows for one in same)
    ):
        return f"votes on {share:.1%} of the rows, on the last nights {usual:.1%}: a factor above max_drift = {most:g}"
    measured = sum(one.labeled for one in same)
    if now.labeled and measured:
        accuracy, was = now.right / now.labeled, _pooled([(one.right, one.labeled) for one in same])
        if accuracy < was - 0.2 and _differ(accuracy, now.labeled, was, measured):
            return (
                f"right on {now.right} of {now.labeled} labeled rows ({accuracy:.0%}), on the last nights on {was:.0%}"
            )
    return ""


def _pooled(counts: Sequence[tuple[int, int]]) -> float:
    return sum(part for part, _ in counts) / max(1, sum(whole for _, whole in counts))


def _differ(share: float, count: int, other: float, others: int) -> bool:
    """Whether two shares differ by more than chance (a two-proportion z-test)."""
    pooled = (share * count + other * others) / (count + others)
    error = np.sqrt(pooled * (1 - pooled) * (1 / count + 1 / others))
    return bool(abs(share - other) > SURE * error)
