"""The stage's own columns: what the exported model says of every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tilth.samples import Task

if TYPE_CHECKING:
    from tilth.training.export import Answers


def write_answers(frame: pd.DataFrame, tasks: Sequence[Task], answers: Answers) -> None:
    """Set the stage's columns, in place; a task without a training row has no answer."""
    for task in tasks:
        codes = answers.codes.get(task.name, np.full(len(frame), -1))
        confidence = answers.confidence.get(task.name, np.zeros(len(frame)))
        frame[f"{task.name}_predicted"] = task.decoded(codes)
        frame[f"{task.name}_predicted_confidence"] = np.where(codes >= 0, confidence, np.nan).astype(np.float32)
    frame["out_of_scope_score"] = answers.scope
