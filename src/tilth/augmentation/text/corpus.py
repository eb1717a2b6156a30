"""The texts that people wrote, without markup and copies, from which the night learns language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth.augmentation.text.detokenizer import spellings
from tilth.samples import Source, Split, Status


@dataclass(frozen=True)
class Written:
    """What people wrote in a workspace: the rows that are learned from, their texts, and how they spell words."""

    rows: np.ndarray
    texts: list[str]
    casing: Mapping[str, str]


def written(frame: pd.DataFrame) -> Written:
    """Of a table, by `usable` and `tilth.augmentation.text.detokenizer.spellings`."""
    rows = usable(frame)
    texts = frame["text"].iloc[rows].tolist()
    return Written(rows, texts, spellings(texts))


def usable(frame: pd.DataFrame) -> np.ndarray:
    """Rows whose texts are learned from: active ones of the input that are not gold, each text once."""
    mask = (frame["split"] != Split.GOLD) & (frame["source"] == Source.INPUT) & (frame["status"] == Status.ACTIVE)
    first = ~frame["text"].where(mask).duplicated() & mask
    return np.flatnonzero(first.to_numpy(dtype=bool))
