"""The texts that people wrote, without markup and copies, from which the night learns language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth.augmentation.text.detokenizer import corpus_spellings
from tilth.samples import Source, Split, Status


@dataclass(frozen=True)
class WorkspaceTexts:
    """The texts that people wrote in a workspace: the rows to learn from, their texts, and how they spell words."""

    rows: np.ndarray
    texts: list[str]
    casing: Mapping[str, str]

    def among(self, wanted: np.ndarray) -> WorkspaceTexts:
        """Those of the rows that are wanted (all rows,); the spelling stays that of all."""
        kept = wanted[self.rows]
        texts = [text for text, keep in zip(self.texts, kept, strict=True) if keep]
        return WorkspaceTexts(self.rows[kept], texts, self.casing)


def workspace_texts(frame: pd.DataFrame) -> WorkspaceTexts:
    """Of a table, by `training_text_rows` and `corpus_spellings`."""
    rows = training_text_rows(frame)
    texts = frame["text"].iloc[rows].tolist()
    return WorkspaceTexts(rows, texts, corpus_spellings(texts))


def training_text_rows(frame: pd.DataFrame) -> np.ndarray:
    """Rows whose texts are learned from: active ones of the input that are not gold, each text once."""
    mask = (frame["split"] != Split.GOLD) & (frame["source"] == Source.INPUT) & (frame["status"] == Status.ACTIVE)
    first = ~frame["text"].where(mask).duplicated() & mask
    return np.flatnonzero(first.to_numpy(dtype=bool))
