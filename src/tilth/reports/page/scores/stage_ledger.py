"""What each stage bought, as one picture: the score with everything, and how far it falls without each stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.reports.page.files import RunFiles
from tilth.reports.page.scores.night_verdict import points

_STAGES = {
    "cleaning": "Cleaning",
    "weak_supervision": "Labels by rules",
    "augmentation": "Reworded copies",
    "active_learning": "People’s answers",
    "training": "The trained model",
}
_WORDS = {
    "helps": "helps",
    "harms": "harms",
    "no difference": "could be chance",
    "unchanged": "changed nothing that the model learns from",
    "not measured": "was not measured",
}


def ledger(run: RunFiles) -> dict[str, Any] | None:
    """The lines of the picture, on gold rows, else on train rows; None where the night measured nothing.

    Returns:
        `basis` (`gold` or `train`), `lines` (`stage`, `words`, `figure`, `left` and `width` of the bar and `low` and
        `high` of the whisker, in percent of the picture, zero at 50), `left_out` (sentences), `measured` (dates).
    """
    measured = run.record.get("ledger") or {}
    basis = "gold" if _measured(measured.get("gold")) else "train"
    entries = {stage: one for stage, one in (measured.get(basis) or {}).items() if isinstance(one, Mapping)}
    if not entries:
        return None
    ends = [abs(end) for one in entries.values() for end in one.get("interval") or [one.get("difference") or 0]]
    most = max(*ends, 0.01)
    return {
        "basis": basis,
        "points": round(100 * most, 1),
        "lines": [_line(stage, one, most) for stage, one in entries.items()],
        "left_out": _left_out(run),
        "rows": max((one.get("rows") or 0 for one in entries.values()), default=0),
        "measured": sorted({str(one["measured"])[:10] for one in entries.values() if one.get("measured")}),
    }


def _measured(part: Any) -> bool:
    return bool(part) and any(one.get("difference") is not None for one in part.values() if isinstance(one, Mapping))


def _line(stage: str, one: Mapping[str, Any], most: float) -> dict[str, Any]:
    name, words = _STAGES.get(stage, stage.replace("_", " ")), _WORDS.get(one["verdict"], one["verdict"])
    line: dict[str, Any] = {"stage": stage, "name": name, "verdict": one["verdict"], "words": words, "figure": None}
    if one.get("why_not"):
        line["words"] = f"{words}: {one['why_not']}"
    difference = one.get("difference")
    if difference is None:
        return line
    low, high = one.get("interval") or (difference, difference)
    at = {key: 50 + 48 * value / most for key, value in (("end", difference), ("low", low), ("high", high))}
    return {
        **line,
        "figure": f"{points(difference)} points ({points(low)} to {points(high)})",
        "left": min(at["end"], 50.0),
        "width": abs(at["end"] - 50),
        "low": at["low"],
        "high": at["high"],
    }


def _left_out(run: RunFiles) -> list[str]:
    """Stages that the night itself left out, because they harm."""
    return [
        f"{_STAGES.get(entry['name'], entry['name'])}: left out tonight, {entry['left_out']}"
        for entry in run.record.get("stages") or []
        if entry.get("left_out")
    ]
