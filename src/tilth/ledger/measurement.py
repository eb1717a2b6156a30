"""One entry of the ledger: the score with a stage, without it, and the interval of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from tilth import learn
from tilth.learn import Labels


class Verdict(StrEnum):
    """What the interval of the difference says."""

    HELPS = "helps"
    HARMS = "harms"
    NO_DIFFERENCE = "no difference"
    UNCHANGED = "unchanged"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a stage bought on some rows.

    Attributes:
        verdict: by the interval; `unchanged` where both tables teach the same.
        rows: how many were predicted with both.
        with_stage: macro-F1, averaged over the tasks, of the probe that learned from the table with the stage.
        without: the same without the stage.
        interval: 95%, of their difference, by the paired bootstrap over the rows.
        why_not: why nothing was measured, in a sentence.
        by_given: on train rows, the same by all labels as they were given.
    """

    verdict: Verdict
    rows: int = 0
    with_stage: float | None = None
    without: float | None = None
    interval: tuple[float, float] | None = None
    why_not: str | None = None
    by_given: Measurement | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `run.json`."""
        known = self.with_stage is not None and self.without is not None
        return {
            "verdict": self.verdict.value,
            "rows": self.rows,
            "with": _rounded(self.with_stage),
            "without": _rounded(self.without),
            "difference": round(float(self.with_stage or 0) - float(self.without or 0), 4) if known else None,
            "interval": [round(end, 4) for end in self.interval] if self.interval else None,
            "why_not": self.why_not,
            **({"by_given": self.by_given.to_json()} if self.by_given else {}),
        }


def not_measured(why: str) -> Measurement:
    """An entry without figures."""
    return Measurement(verdict=Verdict.NOT_MEASURED, why_not=why)


def compare(truth: Labels, with_stage: Labels, without: Labels, seed: int) -> Measurement:
    """Hold the answers of two probes against each other.

    Args:
        truth: by task, the labels of the rows that are predicted; None where a task does not count a row.
        with_stage: what the probe with the stage says of these rows.
        without: what the one without it says.
        seed: of the bootstrap.
    """
    difference = learn.difference(truth, with_stage, without, seed)
    if np.isnan(difference.ours) or np.isnan(difference.other):
        return not_measured("no two classes among the rows to measure it by")
    verdict = Verdict.HELPS if difference.low > 0 else Verdict.HARMS if difference.high < 0 else Verdict.NO_DIFFERENCE
    rows = int(np.any([[label is not None for label in labels] for labels in truth.values()], axis=0).sum())
    return Measurement(
        verdict=verdict,
        rows=rows,
        with_stage=difference.ours,
        without=difference.other,
        interval=(difference.low, difference.high),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
