"""Columns of a night's table as reports read them, whichever stages it went through."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.samples import label_array


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column, or one of None where no stage has written it yet."""
    return frame[name] if name in frame else pd.Series([None] * len(frame), index=frame.index, dtype=object)


def values(frame: pd.DataFrame, name: str) -> np.ndarray:
    """`column` as an array of objects, None where there is nothing, shape (rows,)."""
    return label_array(column(frame, name))
