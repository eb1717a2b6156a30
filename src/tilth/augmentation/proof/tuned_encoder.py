"""The encoder as training would train it, without a part of the rows, and with paraphrases or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilth.augmentation.proof.views import Added, CandidatePool
from tilth.augmentation.selection import CrossFitting, labeled_rows
from tilth.stage import ShortTuning, TuningTexts

MOST = 2000
"""Labeled rows above which no encoder is trained for the proof: its few steps would see a part of them alone."""


@dataclass(frozen=True)
class Tuning:
    """How the encoder is trained, and the texts of the table's rows."""

    tune: ShortTuning
    texts: Sequence[str]


class TunedEncoder:
    """Vectors by the encoder, trained anew without each part: the same steps by the same seed with and without more.

    Args:
        tuning: How.
        cross_fitting: The parts, the tasks' labels, and the rows' vectors as the encoder came.
        pool: The candidates with their vectors.
        accepted: Of each part, the candidates that may be learned from (some candidates,).
    """

    def __init__(
        self, tuning: Tuning, cross_fitting: CrossFitting, pool: CandidatePool, accepted: Sequence[np.ndarray]
    ) -> None:
        self._tuning, self._cross_fitting, self._pool = tuning, cross_fitting, pool
        self._rows = labeled_rows(cross_fitting.tasks)
        # Of one list of texts for all parts, what is below the trained layers is computed once.
        self._candidates = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *accepted]))
        self._trained_once: dict[tuple[int, float | None], tuple[np.ndarray, np.ndarray]] = {}

    def vectors(self, part: int, more: Added | None) -> tuple[np.ndarray, np.ndarray]:
        """Of all rows and of all candidates, 0 for those without a label or not accepted in any part.

        Args:
            part: That the encoder does not learn from.
            more: Which candidates it learns from; None: none.
        """
        key = part, None if more is None else more.weight
        if key not in self._trained_once:  # several tasks, and models with words beside, read the same vectors
            self._trained_once[key] = self._trained(part, more)
        return self._trained_once[key]

    def _trained(self, part: int, more: Added | None) -> tuple[np.ndarray, np.ndarray]:
        rows, fit, pool, texts = self._rows, self._cross_fitting, self._pool, self._tuning.texts
        candidates = self._candidates if more is not None else np.zeros(0, dtype=np.int64)
        weights = np.ones(len(rows)), np.zeros(len(candidates))
        learned = fit.parts[rows] != part, np.zeros(len(candidates), dtype=bool)
        if more is not None:
            own, theirs = more.weights(len(fit.parts))
            places = np.searchsorted(candidates, more.accepted)
            weights = own[rows], weights[1]
            weights[1][places], learned[1][places] = theirs, True
        parents = pool.candidates.parents[candidates]
        found = self._tuning.tune(
            TuningTexts(
                texts=[*(texts[row] for row in rows), *(pool.candidates.texts[place] for place in candidates)],
                vectors=np.concatenate([fit.embeddings[rows], pool.vectors[candidates]]),
                codes={one.task.name: one.codes[np.concatenate([rows, parents])] for one in fit.tasks},
                weights=np.concatenate(weights),
                learned=np.concatenate(learned),
            )
        )
        counts = len(fit.parts), len(pool.vectors)
        of_rows, of_candidates = (np.zeros((count, found.shape[1]), dtype=np.float32) for count in counts)
        of_rows[rows], of_candidates[candidates] = found[: len(rows)], found[len(rows) :]
        return of_rows, of_candidates
