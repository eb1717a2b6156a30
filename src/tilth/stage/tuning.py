"""How a stage before training may ask what a trained encoder would make of some rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from tilth.stage.contract import Resources


@dataclass(frozen=True, kw_only=True)
class TuningTexts:
    """Texts that an encoder is trained on for a few steps, and others whose vectors are wanted.

    Attributes:
        texts: all of them.
        vectors: by the encoder as it came, shape (texts, dimensions).
        codes: for each task the class of each text, -1 for none, shape (texts,); those of texts that are not learned
            from are not looked at.
        weights: shape (texts,).
        learned: which are learned from, boolean, shape (texts,).
    """

    texts: Sequence[str]
    vectors: np.ndarray
    codes: Mapping[str, np.ndarray]
    weights: np.ndarray
    learned: np.ndarray


class ShortTuning(Protocol):
    """Trains the encoder, the same way by the same seed each time."""

    def __call__(self, given: TuningTexts) -> np.ndarray:
        """Vectors of all texts by the trained encoder, shape (texts, dimensions)."""


class EncoderTuner(Protocol):
    """What the night's training would make of the encoder, by its config."""

    @property
    def fingerprint(self) -> str:
        """Digest of the settings that it goes by."""

    def __call__(self, frame: pd.DataFrame, resources: Resources) -> ShortTuning | None:
        """How it trains the encoder for the table's labels; None where it leaves it as it came."""
