"""What the tasks of one night share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tilth.stage import Figure, Resources
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import history
from tilth.weak_supervision.models import Text, see

NEIGHBORS = 10
"""Rows around a text that are heard beside it."""


@dataclass(kw_only=True)
class _Night:
    """What the tasks of one night share.

    Attributes:
        frame: the whole table; the stage's own columns are written into it.
        free: positions of the rows that are not gold.
        left_out: function or file → why.
        remarks: function → what is odd about it, though it is used.
        tonight: `<task>.<function>` → how it did.
        drifted: `<task>.<function>` → how it drifted.
    """

    frame: pd.DataFrame
    free: np.ndarray
    config: Config
    resources: Resources
    before: dict[str, list[history.Measured]]
    left_out: dict[str, str]
    remarks: dict[str, str]
    tonight: dict[str, history.Measured] = field(default_factory=dict)
    drifted: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    _text: Text | None = None

    def text(self) -> Text:
        """The texts of the rows that are not gold, prepared once for all tasks."""
        if self._text is None:
            evidence = self.resources.evidence
            near = evidence.neighbors(NEIGHBORS, self.free)  # gold is no witness
            self._text = see(evidence.embeddings()[self.free], near)
        return self._text
