"""Out-of-fold predictions by models that learn from unlabeled rows too (self-training, Yarowsky 1995)."""

from __future__ import annotations

import numpy as np

_LESSONS = 20_000
"""Rows without a label that teach a second judge at most, evenly spread: they set what its fit costs."""


def _together(judged: np.ndarray, near: np.ndarray, lessons: np.ndarray) -> np.ndarray:
    """The mean of a judge's belief and the graph's, which is all of it at one label a class and nears half at many."""
    share = (1 + len(np.unique(lessons)) / max(1, len(lessons))) / 2
    return np.asarray(share * near + (1 - share) * judged)
