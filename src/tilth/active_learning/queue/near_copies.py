"""Near copies: asked once, and the answer stands for all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.learn import Evidence
from tilth.samples import Source, Split
from tilth.text import normal_form

SAME, SHARED_WORDS = 0.96, 0.7
"""Cosine from which two rows are near copies, if they share this much of their words: cleaning's own criterion."""


class NearCopies:
    """Which rows a person would give the same answer."""

    def __init__(self, frame: pd.DataFrame, evidence: Evidence) -> None:
        self._vectors = evidence.joint_embeddings()
        self._ids = frame["id"].to_numpy(dtype=object)
        self._texts = frame["text"].to_numpy(dtype=object)
        self._written = frame["source"].eq(Source.PARAPHRASE).to_numpy(dtype=bool)
        self._copies: dict[str, list[int]] = {}
        if "duplicate_of" in frame:
            copies = frame["duplicate_of"].notna() & frame["split"].ne(Split.GOLD)
            for row in np.flatnonzero(copies.to_numpy(dtype=bool)):
                self._copies.setdefault(str(frame["duplicate_of"].iloc[row]), []).append(int(row))
        self._absorbed: dict[int, list[int]] = {}

    def of_any(self, row: int, kept: list[int]) -> bool:
        """Whether a row is a near copy of one that is asked already, whose group it then joins."""
        if not kept or self._written[row]:  # of a paraphrase it is asked whether it means the same as its source
            return False
        cosines = self._vectors[kept] @ self._vectors[row]
        for place in np.flatnonzero(cosines >= SAME):
            if not self._written[kept[int(place)]] and self._share_words(row, kept[int(place)]):
                self._absorbed.setdefault(kept[int(place)], []).append(row)
                return True
        return False

    def absorbed(self) -> np.ndarray:
        """Places of the rows that joined another's group."""
        return np.array([row for rows in self._absorbed.values() for row in rows], dtype=np.int64)

    def _share_words(self, one: int, other: int) -> bool:
        these, those = (set(normal_form(self._texts[row]).split()) for row in (one, other))
        return len(these & those) >= SHARED_WORDS * max(1, len(these | those))

    def members(self, row: int, unsure: np.ndarray) -> list[str]:
        """Ids of the rows that an answer to this one stands for too.

        Those are its copies, however cleaning has set them aside, and the near copies that would have been asked
        beside it. A copy that has a sure label of its own keeps it.

        Args:
            row: which row is asked.
            unsure: boolean, shape (rows,): rows without a sure label.
        """
        copies = [other for other in self._copies.get(str(self._ids[row]), []) if unsure[other]]
        return [str(self._ids[other]) for other in [*copies, *self._absorbed.get(row, [])]]
