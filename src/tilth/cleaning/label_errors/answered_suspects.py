"""What people said of given labels moves the probability that each of the others is wrong, and with it the cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import TWO_VIEWS, Verdict
from tilth.cleaning.label_errors.label_quality import spread_of, update_with_answers
from tilth.cleaning.label_errors.noise import ErrorRate
from tilth.cleaning.label_errors.operating_point import with_probabilities
from tilth.samples import answered


def correct_by_answers(
    verdict: Verdict, frame: pd.DataFrame, task: str, rows: np.ndarray, config: LabelErrorsConfig, seed: int
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict, corrected by what people said of labels of which an earlier night had shown how likely they are.

    No model learns from it which labels are wrong, only how far its own doubts are to be trusted on this data: the
    doubts themselves, not those of a night that answers had corrected already.

    Args:
        verdict: on these rows, by the probability that each label is wrong; any other stays as it is.
        frame: the whole table.
        task: by name.
        rows: their positions in it.
        config: where the cut lies.
        seed: of the interval's draws.

    Returns:
        The verdict, and `by_answers` for the metrics: how many were checked, how many of them were wrong, how many the
        models had expected, and the share of wrong labels before; empty where nobody has answered.
    """
    answers = answered(frame, task)
    known = [
        (float(shown.get("given_confidence_before_answers", shown["given_confidence"])), shown["given"] != answer)
        for shown, answer in zip(answers["shown"], answers["answer"], strict=True)
        if "given" in shown and "given_confidence" in shown
    ]
    if verdict.name != TWO_VIEWS or verdict.rate is None or not known:
        return verdict, {}
    right, wrong = (np.array(values) for values in zip(*known, strict=True))
    # The labels as given: those that nobody has looked at, and those that people did, as they were doubted then.
    others = ~np.isin(rows, np.flatnonzero(frame.index.isin(answers.index)))
    count = int(others.sum())
    updated = update_with_answers(
        np.concatenate([1 - verdict.wrong[others], right]),
        np.arange(count, count + len(right)),
        wrong.astype(bool),
        unsure=spread_of(verdict.rate),
        seed=seed,
    )
    now = np.zeros(len(rows))
    now[others] = 1 - updated.quality[:count]
    rate = ErrorRate(share=updated.share, low=updated.low, high=updated.high)
    corrected = with_probabilities(verdict, now, rate, config)
    metrics = {
        "checked": len(wrong),
        "wrong": int(wrong.sum()),
        "expected_wrong": round(float((1 - right).sum()), 2),
        "error_rate_before": round(verdict.rate.share, 4),
    }
    return replace(corrected, wrong_before_answers=verdict.wrong), {"by_answers": metrics}
