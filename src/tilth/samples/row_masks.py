"""Which rows of a table teach a task, with which labels and weights, and which a person should look at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.samples.enums import Origin, Reason, Source, Split, Status
from tilth.samples.table import Task


def picture_alone(frame: pd.DataFrame) -> np.ndarray:
    """Boolean mask, shape (rows,), of rows with a picture and no text: a model of texts learns none of them."""
    if "picture_digest" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return (frame["text"].eq("") & frame["picture_digest"].notna()).to_numpy(dtype=bool)


def learnable(frame: pd.DataFrame, task: str) -> np.ndarray:
    """Boolean mask, shape (rows,), of the rows whose texts a task may be trained on.

    They are active, not gold, not an unused paraphrase, no picture alone, and have a current label.
    """
    return _may_be_learned(frame, task) & ~picture_alone(frame)


def learnable_by_picture(frame: pd.DataFrame, task: str) -> np.ndarray:
    """The same of the rows whose pictures a task may be trained on, with or without a text beside."""
    if "picture_digest" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(_may_be_learned(frame, task) & frame["picture_digest"].notna().to_numpy(dtype=bool))


def _may_be_learned(frame: pd.DataFrame, task: str) -> np.ndarray:
    used = frame["used"].eq(False) if "used" in frame else pd.Series(False, index=frame.index)
    mask = (frame["status"] == Status.ACTIVE) & (frame["split"] != Split.GOLD) & frame[task].notna() & ~used
    return mask.to_numpy(dtype=bool)


def learnable_codes(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """The classes that a task may learn, as codes, shape (rows,); -1 where a row teaches none."""
    return np.where(learnable(frame, task.name), task.codes(frame[task.name]), -1)


def gold_labels(frame: pd.DataFrame, task: str) -> pd.Series:
    """The true labels of gold rows, None for every other row and where there is none.

    A class that training never saw has no current label, so that its label is taken as it arrived: it counts as
    missed.
    """
    truth = frame[task]
    if f"{task}_given" in frame:
        truth = truth.fillna(frame[f"{task}_given"])
    return truth.where(frame["split"].eq(Split.GOLD), None)


def sample_weights(frame: pd.DataFrame, task: str) -> np.ndarray:
    """Each row's weight in the training of a task, 0 to 1, shape (rows,).

    That is the probability that its label is right; of a label in review, what cleaning says instead; of a used
    paraphrase, and of a row that has such, times its share in what they count together.
    """
    confidence = frame[f"{task}_confidence"].astype(float)
    if f"{task}_given_weight" in frame:
        review = frame[f"{task}_reason"].eq(Reason.LABEL_REVIEW)
        confidence = frame[f"{task}_given_weight"].astype(float).where(review).fillna(confidence)
    confidence = confidence.fillna(1.0).clip(1e-3, 1)
    shared = frame["weight"].astype(float).fillna(1.0) if "weight" in frame else 1.0
    return np.asarray(confidence * shared, dtype=np.float64)


def unsure(frame: pd.DataFrame, task: str) -> np.ndarray:
    """Boolean mask, shape (rows,), of the rows whose label a person should look at.

    It is in review, or propagated, or what cleaning suggests.
    """
    mask = frame[f"{task}_reason"].isin([Reason.LABEL_REVIEW, Reason.CONFLICTING_COPIES])
    mask |= frame[f"{task}_origin"].isin([Origin.PROPAGATED, Origin.SUGGESTED])
    return mask.to_numpy(dtype=bool)


def settled(frame: pd.DataFrame, task: str) -> np.ndarray:
    """`learnable` without what is `unsure`: the rows for a model that takes no weights."""
    return np.asarray(learnable(frame, task) & ~unsure(frame, task))


def settled_by_any(frame: pd.DataFrame, task: str) -> np.ndarray:
    """The same with rows of a picture alone: for a model that reads both."""
    return np.asarray(_may_be_learned(frame, task) & ~unsure(frame, task))


def unlabeled(frame: pd.DataFrame, task: str) -> np.ndarray:
    """Boolean mask, shape (rows,), of the active rows of the input that nobody, and no function, ever labeled."""
    mask = (frame["status"] == Status.ACTIVE) & (frame["split"] != Split.GOLD) & (frame["source"] == Source.INPUT)
    mask &= frame[f"{task}_given"].isna() & frame[f"{task}_origin"].isin([None, Origin.PROPAGATED])
    mask &= frame[f"{task}_reason"].ne(Reason.NONE_OF_THESE)  # by a person's word
    return mask.to_numpy(dtype=bool) & ~picture_alone(frame)
