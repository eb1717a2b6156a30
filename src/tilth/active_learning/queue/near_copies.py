"""Near copies: asked once, and the answer stands for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tilth.active_learning.queue.candidates import askable
from tilth.learn import Evidence
from tilth.samples import Split


class CopyGroups:
    """Which rows a person would give the same answer, as cleaning finds near copies.

    Attributes:
        asked: rows that stay, in the order in which they came: each asks for its near copies after it.
    """

    def __init__(self, frame: pd.DataFrame, evidence: Evidence, rows: Sequence[int]) -> None:
        """Group rows.

        Args:
            frame: the table.
            evidence: of the same table.
            rows: places of all rows that may be asked, in order; of paraphrases none is a copy, for of each it is
                asked whether it means the same as its source.
        """
        part = np.flatnonzero(askable(frame))
        place = np.full(len(frame), -1, dtype=np.int64)
        place[part] = np.arange(len(part))
        in_order = np.array(rows, dtype=np.int64)
        turns = place[in_order]
        kept = evidence.near_copies(part, turns[turns >= 0]).kept
        stays = np.where(turns >= 0, part[kept[turns]] if len(part) else in_order, in_order)
        self.asked = in_order[stays == in_order].tolist()
        self._joined: dict[int, list[int]] = defaultdict(list)
        for row, other in zip(in_order[stays != in_order].tolist(), stays[stays != in_order].tolist(), strict=True):
            self._joined[other].append(row)
        self._ids = frame["id"].to_numpy(dtype=object)
        self._set_aside: dict[str, list[int]] = defaultdict(list)
        if "duplicate_of" in frame:
            copies = frame["duplicate_of"].notna() & frame["split"].ne(Split.GOLD)
            for row in np.flatnonzero(copies.to_numpy(dtype=bool)).tolist():
                self._set_aside[str(frame["duplicate_of"].iloc[row])].append(row)

    def joined(self, rows: Sequence[int]) -> np.ndarray:
        """Places of the rows that one of these rows asks for."""
        return np.array([other for row in rows for other in self._joined.get(row, [])], dtype=np.int64)

    def members(self, row: int, unsure: np.ndarray) -> list[str]:
        """Ids of the rows that an answer to this one stands for too.

        Those are its copies, however cleaning has set them aside, and the near copies that would have been asked after
        it. A copy that has a sure label of its own keeps it.

        Args:
            row: which row is asked.
            unsure: boolean, shape (rows,): rows without a sure label.
        """
        copies = [other for other in self._set_aside.get(str(self._ids[row]), []) if unsure[other]]
        return [str(self._ids[other]) for other in [*copies, *self._joined.get(row, [])]]
