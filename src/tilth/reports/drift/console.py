"""Drift as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.reports.diff import ALPHA

_SHOWN = 8
FEW = 100
"""Texts of which a share is known to ten points at best."""
_KINDS = {
    "gold rows": "gold rows",
    "held-out rows": "held-out rows of the night",
    "learned rows": "rows of the night, which it learned",
}


def drift_lines(drift: Mapping[str, Any]) -> list[str]:
    """What `measure_drift` found, the verdict first."""
    outside = drift["out_of_scope"]
    head = "drifted" if drift["drifted"] else "no drift beyond chance"
    low, high = outside["interval"]
    lines = [
        f"{head}: {drift['rows']:,} texts beside {drift['reference_rows']:,} rows of night {drift['run_id']}",
        f"  out of scope: {outside['rows']:,} ({outside['share']:.1%}, 95% interval {low:.1%} to {high:.1%}); of "
        f"{outside['reference_rows']:,} {_KINDS[outside['reference_kind']]} {outside['reference_share']:.1%}"
        f"{_chance(outside)}",
    ]
    if drift["rows"] < FEW:
        lines.append(f"  of fewer than {FEW} texts only a large change is told from chance: take some hundreds")
    for task, one in drift["tasks"].items():
        for word in ("grew", "shrank"):
            named = ", ".join(_class(item) for item in one[word][:_SHOWN])
            more = f" and {len(one[word]) - _SHOWN} more" if len(one[word]) > _SHOWN else ""
            if named:
                lines.append(f"  {task}, {word}: {named}{more}")
        if not (one["grew"] or one["shrank"]):
            lines.append(f"  {task}: no class grew or shrank beyond chance")
        now, then = one["mean_confidence"], one["reference_mean_confidence"]
        if now is not None and then is not None:
            lines.append(
                f"  {task}: the model is {now:.0%} sure on average ({then:.0%} of {_KINDS[one['reference_kind']]})"
            )
    if drift["new_words"]:
        words = ", ".join(f"{one['word']} ({one['rows']})" for one in drift["new_words"][: 2 * _SHOWN])
        lines.append(f"  new words: {words}")
    if drift["seen_before"]:
        lines.append(f"  texts that the night has word for word: {drift['seen_before']:,}")
    return lines


def _class(one: Mapping[str, Any]) -> str:
    return f"{one['label']} {one['reference_share']:.1%} to {one['share']:.1%}"


def _chance(outside: Mapping[str, Any]) -> str:
    if outside["drifted"] or outside["share"] <= outside["reference_share"]:
        return ""
    return ", which chance explains" if outside["p"] >= ALPHA else ", a difference of less than two points"
