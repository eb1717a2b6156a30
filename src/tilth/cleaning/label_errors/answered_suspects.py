"""What people said of given labels moves the probability that each of the others is wrong, and with it the cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.label_quality import (
    log_odds,
    probability_wrong,
    spread_of,
    update_with_answers,
)
from tilth.cleaning.label_errors.noise import ErrorRate
from tilth.cleaning.label_errors.operating_point import with_probabilities
from tilth.samples import answered


def correct_by_answers(
    verdict: Verdict, frame: pd.DataFrame, task: str, rows: np.ndarray, config: LabelErrorsConfig, seed: int
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict, corrected by what people said of labels of which an earlier night had shown how likely they are.

    No model learns from it which labels are wrong, only how far its own doubts are to be trusted on this data.

    Args:
        verdict: on these rows, by the probability that each label is wrong; any other stays as it is.
        frame: the whole table.
        task: by name.
        rows: their positions in it.
        config: where the cut lies.
        seed: of the interval's draws.

    Returns:
        The verdict, and `by_answers` for the metrics: how many were checked, how many of them were wrong, how many the
        night had expected, and the share of wrong labels before; empty where nobody has answered.
    """
    answers = answered(frame, task)
    if verdict.name != TWO_VIEWS or verdict.rate is None:
        return verdict, {}
    moved = _moved(verdict)
    known = [
        (odds, shown["given"] != answer)
        for shown, answer in zip(answers["shown"], answers["answer"], strict=True)
        if "given" in shown and (odds := _odds_wrong(shown, moved)) is not None
    ]
    if not known:
        return verdict, {}
    checked, wrong = (np.array(values) for values in zip(*known, strict=True))
    # The labels as given: those that nobody has looked at, and those that people did, as models doubt them.
    others = ~np.isin(rows, np.flatnonzero(frame.index.isin(answers.index)))
    count = int(others.sum())
    updated = update_with_answers(
        np.concatenate([1 - verdict.wrong[others], expit(-checked)]),
        np.arange(count, count + len(checked)),
        wrong.astype(bool),
        unsure=spread_of(verdict.rate),
        seed=seed,
    )
    now, at_most = np.zeros(len(rows)), np.zeros(len(rows))
    now[others] = 1 - updated.quality[:count]
    still_wrong = max(updated.high * len(updated.quality) - float(wrong.sum()), 0.0) / max(count, 1)
    at_most[others] = probability_wrong(log_odds(now[others]), still_wrong)
    rate = ErrorRate(share=updated.share, low=updated.low, high=updated.high)
    corrected = with_probabilities(verdict, now, at_most, rate, config)
    metrics = {
        "checked": len(wrong),
        "wrong": int(wrong.sum()),
        "expected_wrong": round(float(expit(checked).sum()), 2),
        "error_rate_before": round(verdict.rate.share, 4),
    }
    return corrected, {"by_answers": metrics}


def _moved(verdict: Verdict) -> float | None:
    """What the share of wrong labels adds to the doubts, the same for every row; None where there are no doubts."""
    if verdict.doubts is None or not len(verdict.doubts):
        return None
    most = int(verdict.doubts.argmax())
    return float((log_odds(verdict.wrong[[most]]) - verdict.doubts[most]).item())


def _odds_wrong(shown: Mapping[str, Any], moved: float | None) -> float | None:
    """Log-odds that a label is wrong, before any answer, which somebody has looked at; None where nobody can say.

    By the doubt that models had then and tonight's share: what answers had made of it by then would count twice. Of
    older answers only the probability is known, and where it was rounded to 1 not even that.
    """
    if "doubt" in shown and moved is not None:
        return float(shown["doubt"]) + moved
    right = float(shown.get("given_confidence", 1.0))
    return float(log_odds(np.array([1 - right])).item()) if right < 1 else None
