"""The checks of texts: one decorator registers one, in the order in which they run and give reasons."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from tilth.cleaning.checks.config import ChecksConfig
from tilth.learn import Evidence
from tilth.samples import Reason, Status


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A score and a verdict of each row.

    Attributes:
        score: float, shape (rows,), 0 to 1, low = bad.
        issue: boolean, shape (rows,).
        duplicate_of: id of the row that each one repeats, or None; only of checks for duplicates.
        counts: more figures of the rows that are not gold, as plain JSON.
    """

    score: np.ndarray
    issue: np.ndarray
    duplicate_of: np.ndarray | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


CheckFunction: TypeAlias = Callable[[pd.DataFrame, ChecksConfig, Evidence], CheckResult]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A registered check with the verdict that its issues get."""

    name: str
    run: CheckFunction
    status: Status
    reason: Reason
    of_pictures: bool = False


CHECKS: dict[str, Check] = {}
MODULES = ("text_quality", "outliers", "duplicates", "pictures")
"""Modules of this folder whose checks register themselves when they are loaded."""
ORDER = (
    "empty",
    "junk",
    "too_long",
    "encoding",
    "language",
    "outlier",
    "exact_duplicate",
    "gold_leak",
    "near_duplicate",
    "boilerplate",
    "picture_copy",
    "picture_leak",
    "picture_duplicate",
    "picture_outlier",
)
"""The order in which checks run and give reasons: the first reason of a row stands. Checks not named here come last."""


def ordered_checks(*, pictures: bool = False) -> list[Check]:
    """All checks, in the order in which they run; those of pictures only where there are any."""
    for module in MODULES:
        importlib.import_module(f"{__package__}.{module}")
    run = [check for check in CHECKS.values() if pictures or not check.of_pictures]
    return sorted(run, key=lambda check: ORDER.index(check.name) if check.name in ORDER else len(ORDER))


def check(
    name: str, status: Status, reason: Reason, *, of_pictures: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check under a name that is not taken; its columns are `<name>_score` and `is_<name>_issue`.

    With `Status.ACTIVE` its issues are reported and change nothing. Checks of pictures run only where there are any.
    """

    def register(function: CheckFunction) -> CheckFunction:
        if name in CHECKS:
            raise ValueError(f'a check "{name}" is registered already')
        CHECKS[name] = Check(name=name, run=function, status=status, reason=reason, of_pictures=of_pictures)
        return function

    return register


def verdict(issue: np.ndarray, duplicate_of: np.ndarray | None = None) -> CheckResult:
    """A verdict without shades: score 0 where there is an issue, else 1."""
    return CheckResult(score=np.where(issue, 0.0, 1.0), issue=issue, duplicate_of=duplicate_of)
