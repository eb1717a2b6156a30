"""What an answer to each doubt of a table is worth: `gains`, applied to its labels, its pool and its paraphrases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.active_learning.queue import gains
from tilth.active_learning.queue.candidates import Doubts, QueueInputs, askable
from tilth.learn import Evidence


class AnswerWorth:
    """Rows that an answer tells right."""

    def __init__(self, inputs: QueueInputs, evidence: Evidence) -> None:
        self._inputs, frame = inputs, inputs.frame
        self._part = np.flatnonzero(askable(frame))
        self._place = np.full(len(frame), -1)
        self._place[self._part] = np.arange(len(self._part))
        self._edges = gains.weights(evidence.joint_neighbors(gains.NEAREST, among=self._part))
        top = -np.sort(-inputs.probabilities, axis=1)[:, :2]
        self._unsure = np.zeros(len(frame))
        self._unsure[inputs.pool] = (1 - (top[:, 0] - top[:, 1])) ** 2
        self._known: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, doubts: Doubts) -> np.ndarray:
        """The gain of an answer to each of the rows, shape (doubts,).

        A label in force that is in doubt is worth the larger of what hangs on it, should it be wrong, and of what a
        sure one would newly tell; a paraphrase, what hangs on its source at the paraphrase's weight.
        """
        task = doubts.task or self._inputs.task.name
        if task not in self._known:
            self._known[task] = self._computed(task)
        settled, dependent = self._known[task]
        place, written = self._place[doubts.rows], self._place[doubts.rows] < 0
        place[written] = self._sources(doubts.rows[written])
        by, of = (np.where(place >= 0, counts[place], 0) for counts in (dependent, settled))
        in_force = self._inputs.frame[task].notna().to_numpy(dtype=bool)[doubts.rows]
        weight = np.where(written, self._inputs.numbers("weight", 1.0)[doubts.rows], 1.0)
        hanging = in_force * doubts.doubt * by * weight
        return np.asarray(
            np.where(written | (self._unsure[doubts.rows] == 0) & in_force, hanging, np.maximum(of, hanging))
        )

    def _sources(self, rows: np.ndarray) -> np.ndarray:
        """Places of the rows that paraphrases were written from, -1 where these are gone or set aside."""
        if not len(rows):
            return np.zeros(0, dtype=np.int64)
        ids = pd.Series(self._place, index=self._inputs.frame["id"])
        return ids.reindex(self._inputs.words("parent_id")[rows]).fillna(-1).to_numpy(dtype=np.int64)

    def _computed(self, task: str) -> tuple[np.ndarray, np.ndarray]:
        frame = self._inputs.frame
        trust = frame[f"{task}_confidence"].astype(float).fillna(1.0).to_numpy(dtype=float)
        trust = np.where(frame[task].notna(), np.clip(trust, 1e-3, 1), 0)[self._part]
        sure = table.settled_by_any(frame, task)[self._part]
        unsure = np.where(sure, 0, self._unsure[self._part])
        return gains.newly_settled(self._edges, sure, unsure), gains.dependent_rows(self._edges, trust)
