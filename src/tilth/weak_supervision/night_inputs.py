"""What the tasks of one night read in common; nothing is written into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tilth.stage import Resources
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import FunctionRecord
from tilth.weak_supervision.models import TextFeatures, prepare_texts

NEIGHBORS = 10
"""Rows around a text whose labels count as evidence for it."""


@dataclass(frozen=True, kw_only=True)
class NightInputs:
    """What the tasks of one night read in common.

    Attributes:
        frame: the whole table, as the stage got it.
        free: positions of the rows that are not gold.
        config: the stage's.
        resources: the stage's.
        history: `<task>.<function>` → its records of the nights before.
    """

    frame: pd.DataFrame
    free: np.ndarray
    config: Config
    resources: Resources
    history: Mapping[str, Sequence[FunctionRecord]]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows that are not gold."""
        return self.frame.iloc[self.free]

    @cached_property
    def texts(self) -> TextFeatures:
        """The texts of the rows that are not gold, prepared once for all tasks."""
        evidence = self.resources.evidence
        return prepare_texts(evidence.embeddings()[self.free], evidence.neighbors(NEIGHBORS, self.free))
