"""What a model says of rows: arrays of all tasks, and one row's answers as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Answer: TypeAlias = dict[str, dict[str, Any]]
"""Of one row, for each task: `label`, `confidence` and `out_of_scope`."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the model says of some rows.

    Attributes:
        probabilities: for each task, calibrated, float32, shape (texts, labels).
        codes: for each task, the label's index, −1 where no label fits, shape (texts,).
        confidence: for each task, the label's probability, shape (texts,).
        scope: 0 to 1, low = unlike what was learned, shape (texts,); see `tilth.training.export.packed.scope`.
        out_of_scope: boolean, shape (texts,): the score is below the model's threshold.
    """

    probabilities: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    confidence: dict[str, np.ndarray]
    scope: np.ndarray
    out_of_scope: np.ndarray

    def of(self, task: Mapping[str, Any], row: int, *, is_blank: bool) -> dict[str, Any]:
        """One row's `label`, `confidence` and `out_of_scope` of a task; see `Predictor`."""
        code, confidence = int(self.codes[task["name"]][row]), float(self.confidence[task["name"]][row])
        is_outside = is_blank or bool(self.out_of_scope[row])
        return {
            "label": None if is_outside or code < 0 else str(task["labels"][code]),
            "confidence": 0.0 if is_blank else round(confidence, 4),
            "out_of_scope": is_outside,
        }
