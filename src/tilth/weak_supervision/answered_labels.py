"""Labels by functions and by similar texts are as likely right as people found them to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tilth.learn import correct_confidence
from tilth.samples import Origin, answered


def correct_by_answers(frame: pd.DataFrame, task: str, columns: dict[str, np.ndarray], least: float) -> dict[str, Any]:
    """Correct the confidence of a task's weak labels in place, by what people said of such labels of earlier nights.

    Labels that functions voted for and those taken from similar texts are corrected apart. A label that is not likely
    enough any more is not given. What a label was worth before any correction is kept beside it, for the answers on it
    are weighed against that: by the corrected confidence, later answers would undo what earlier ones have said.

    Args:
        frame: the table, with people's answers and what was shown beside each.
        task: by name.
        columns: the task's columns of weak supervision.
        least: the confidence from which a function's label is given.

    Returns:
        `weak` and `propagated`: what the answers made of each; empty where nobody answered on any.
    """
    answers = answered(frame, task)
    confidence = columns.get(f"{task}_weak_confidence")
    if answers.empty or confidence is None:
        return {}
    alone = columns.get(f"{task}_propagated", np.zeros(len(frame), dtype=bool)).astype(bool)
    before, metrics = confidence.copy(), dict[str, Any]()
    for origin, rows, floor in ((Origin.WEAK, ~alone, least), (Origin.PROPAGATED, alone, 0.5)):
        mine = [
            (shown.get("weak_confidence_before_answers", shown["confidence"]), shown.get("label") == answer)
            for shown, answer in zip(answers["shown"], answers["answer"], strict=True)
            if shown.get("origin") == origin and "confidence" in shown
        ]
        if not mine:
            continue
        checked, right = (np.array(values) for values in zip(*mine, strict=True))
        corrected = correct_confidence(confidence[rows], checked, right.astype(bool))
        lost = rows.copy()
        lost[rows] = (corrected.confidence < floor) & (confidence[rows] >= floor)
        confidence[rows] = corrected.confidence.astype(np.float32)
        columns[f"{task}_weak"][lost] = None
        if f"{task}_propagated" in columns:
            columns[f"{task}_propagated"][lost] = False
        metrics[origin.value] = {**corrected.metrics(), "not_given_any_more": int(lost.sum())}
    if metrics:
        columns[f"{task}_weak_confidence_before_answers"] = before
    return metrics
