"""Rows that have a picture, with or without a text beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd


def picture_alone(frame: pd.DataFrame) -> np.ndarray:
    """Boolean mask, shape (rows,), of rows with a picture and no text: a model of texts learns none of them."""
    if "picture_digest" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return (frame["text"].eq("") & frame["picture_digest"].notna()).to_numpy(dtype=bool)
