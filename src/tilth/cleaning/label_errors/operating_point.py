"""Where the cut lies among labels that are ranked by the probability that they are wrong, and what it costs.

Every cut has an expected precision and recall, which follow from the probabilities. `prefer` says which of the two
counts more: the cut is where the F-measure that fits it is expected to be largest (van Rijsbergen 1979), among those
that are precise enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from tilth.cleaning.label_errors.config import LabelErrorsConfig, Prefer
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.noise import ErrorRate, FilterScore

_BETA = {"precision": 0.5, "balanced": 1.0, "recall": 2.0}
"""How many times recall counts as much as precision."""
_PRECISE = {"precision": 0.7, "balanced": 0.5, "recall": 0.3}
"""Expected precision below which nothing is flagged: more of what is flagged should be wrong than right, but where
recall is preferred."""
_POINTS, _SHOWN = 40, 0.02
"""Points of the curve, which goes on to the labels that hardly anything speaks against."""
_EDGE = 1e-6
_SIDES = 1.96


def choose_cut(wrong: np.ndarray, prefer: Prefer, min_precision: float | None = None) -> tuple[np.ndarray, FilterScore]:
    """Flag the labels that are likeliest wrong, as many as `prefer` makes worth it.

    Args:
        wrong: the probability that each label is wrong, shape (rows,).
        prefer: a name of the three.
        min_precision: in place of the expected precision that `prefer` asks for.

    Returns:
        Whether each label is flagged, boolean, shape (rows,), and how well that is expected to find errors.
    """
    order, precision, recall = _along(wrong)
    issue = np.zeros(len(wrong), dtype=bool)
    beta = _BETA[prefer] ** 2
    worth = (1 + beta) * precision * recall / np.maximum(beta * precision + recall, _EDGE)
    worth[precision < (_PRECISE[prefer] if min_precision is None else min_precision)] = 0
    if not len(worth) or worth.max() <= 0:
        return issue, FilterScore(precision=0.0, recall=0.0, f1=0.0)
    best = int(worth.argmax())
    issue[order[: best + 1]] = True
    p, r = float(precision[best]), float(recall[best])
    f1 = 2 * p * r / max(p + r, _EDGE)
    return issue, FilterScore(precision=round(p, 4), recall=round(r, 4), f1=round(f1, 4))


def with_probabilities(
    verdict: Verdict, wrong: np.ndarray, at_most: np.ndarray | None, rate: ErrorRate, config: LabelErrorsConfig
) -> Verdict:
    """A verdict by two views whose probabilities have moved, with the cut that they now call for.

    Args:
        verdict: as it was.
        wrong: the probability that each label is wrong, shape (rows,); 0 for one that nobody is to flag.
        at_most: the same at the upper end of the share's interval.
        rate: the share of wrong labels that goes with it.
        config: where the cut lies.
    """
    issue, expected = choose_cut(wrong, config.prefer, config.min_precision)
    measured = {**verdict.measured, TWO_VIEWS: expected}
    return replace(verdict, wrong=wrong, at_most=at_most, issue=issue, rate=rate, measured=measured)


def precision_interval(wrong: np.ndarray, issue: np.ndarray, unsure: float) -> tuple[float, float]:
    """Between which two the expected precision of the flagged labels lies, as far as the share of wrong ones is unsure.

    Args:
        wrong: the probability that each label is wrong, shape (rows,).
        issue: whether each is flagged, boolean, shape (rows,).
        unsure: standard deviation of the log-odds of the share of wrong labels.
    """
    if not issue.any():
        return 0.0, 1.0
    odds = logit(np.clip(wrong[issue], _EDGE, 1 - _EDGE))
    low, high = (float(expit(odds + side * _SIDES * unsure).mean()) for side in (-1, 1))
    return low, high


def curve(wrong: np.ndarray, unsure: float) -> dict[str, Any]:
    """Expected precision and recall at evenly spaced numbers of flagged labels, with 95% intervals, as plain JSON.

    Args:
        wrong: the probability that each label is wrong, shape (rows,).
        unsure: standard deviation of the log-odds of the share of wrong labels.

    Returns:
        `flagged` (share of all rows), `precision`, `precision_low`, `precision_high`, `recall`, `recall_low` and
        `recall_high`, lists of one length.
    """
    _, precision, recall = _along(wrong)
    most = int((wrong > _SHOWN).sum())
    places = np.unique(np.linspace(0, most - 1, _POINTS).round().astype(int)) if most else np.zeros(0, dtype=int)
    odds = logit(np.clip(wrong, _EDGE, 1 - _EDGE))
    moved = [_along(expit(odds + side * _SIDES * unsure))[1:] for side in (-1, 1)]
    columns = {"flagged": (places + 1) / len(wrong)}
    for name, middle, sides in zip(("precision", "recall"), (precision, recall), zip(*moved, strict=True), strict=True):
        ends = np.sort(np.stack([side[places] for side in sides]), axis=0)
        columns |= {name: middle[places], f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return {name: [round(float(value), 4) for value in values] for name, values in columns.items()}


def _along(wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All rows, likeliest wrong first, and the expected precision and recall of flagging so many of them."""
    order = np.argsort(-wrong, kind="stable")
    right = wrong[order].cumsum()
    return order, right / np.arange(1, len(order) + 1), right / max(float(wrong.sum()), _EDGE)
