"""How functions did on the last nights, carried from one to the next, and which of them have drifted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilth.store import read_json, write_json

KEPT = 14
"""Nights that are remembered: two weeks, so that every weekday is among them twice."""
SURE = 4.0
"""Standard errors by which a change exceeds chance; with a hundred functions a night, one false alarm in years."""
_FILE = "history.json"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How one function did on one night.

    Attributes:
        key: its fingerprint, so that an edited function starts afresh.
        rows: rows that it was asked about.
        voted: rows that it voted on.
        told: of those, the ones with a known label.
        right: of those, the ones on which it was right.
    """

    key: str
    rows: int
    voted: int
    told: int
    right: int


History = Mapping[str, Sequence[Measured]]


def read(carried: Path | None) -> dict[str, list[Measured]]:
    """What the last nights left, by function, oldest first."""
    if carried is None or not (carried / _FILE).is_file():
        return {}
    held: dict[str, list[dict[str, Any]]] = read_json(carried / _FILE)
    return {name: [Measured(**night) for night in nights] for name, nights in held.items()}


def write(
    folder: Path,
    before: History,
    tonight: Mapping[str, Measured],
    drifted: Collection[str],
    failed: Collection[str] = (),
) -> Path:
    """Leave the history for the next night; functions that are gone are forgotten.

    Args:
        folder: is made.
        before: what the nights before left.
        tonight: how each function did.
        drifted: those that are measured against their better nights tomorrow too, and so do not enter.
        failed: those that are there but were not measured tonight; they keep the nights that they had.
    """
    whole: dict[str, list[Measured]] = {name: list(before[name]) for name in failed if name in before}
    for name, now in tonight.items():
        same = [one for one in before.get(name, ()) if one.key == now.key]
        whole[name] = same if name in drifted else [*same, now][-KEPT:]
    folder.mkdir(parents=True)
    write_json(folder / _FILE, {name: [vars(one) for one in nights] for name, nights in sorted(whole.items())})
    return folder


def drifted(now: Measured, before: Sequence[Measured], most: float) -> str:
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
    if max(share, usual) > most * max(min(share, usual), 1 / (most * now.rows)) and _sure(
        share, now.rows, usual, sum(one.rows for one in same)
    ):
        return f"votes on {share:.1%} of the rows, on the last nights {usual:.1%}: a factor above max_drift = {most:g}"
    measured = sum(one.told for one in same)
    if now.told and measured:
        accuracy, was = now.right / now.told, _pooled([(one.right, one.told) for one in same])
        if accuracy < was - 0.2 and _sure(accuracy, now.told, was, measured):
            return f"right on {accuracy:.2f} of {now.told} labeled rows, on the last nights on {was:.2f}"
    return ""


def _pooled(counts: Sequence[tuple[int, int]]) -> float:
    return sum(part for part, _ in counts) / max(1, sum(whole for _, whole in counts))


def _sure(share: float, count: int, other: float, others: int) -> bool:
    """Whether two shares differ by more than chance (a two-proportion z-test)."""
    pooled = (share * count + other * others) / (count + others)
    error = np.sqrt(pooled * (1 - pooled) * (1 / count + 1 / others))
    return bool(abs(share - other) > SURE * error)
