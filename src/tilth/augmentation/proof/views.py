"""The models that the proof may ask, and what each predicts of a part's rows without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from tilth.augmentation.proof.wording import WordFeatures
from tilth.augmentation.selection import (
    CandidateMeasures,
    Candidates,
    CrossFitting,
    LabelAgreementModels,
    probe_probabilities,
    share_weights,
)
from tilth.learn import fit_predict
from tilth.learn import pool as pool_views
from tilth.samples import Reason

if TYPE_CHECKING:
    from tilth.augmentation.proof.tuned_encoder import TunedEncoder

MEANING, BOTH = "vectors", "vectors and words"
TUNED, TUNED_BOTH = "a trained encoder", "a trained encoder and words"


@dataclass(frozen=True)
class CandidatePool:
    """All candidates, and what the gate needs to choose among them once more.

    Attributes:
        candidates, measures: As the gate has them.
        verdicts: Its verdicts before the budgets were filled.
        vectors: The candidates' embeddings (candidates, dimensions).
        budgets: Each class's.
    """

    candidates: Candidates
    measures: CandidateMeasures
    verdicts: Sequence[Reason | None]
    vectors: np.ndarray
    budgets: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Added:
    """Accepted candidates, how sure their labels are, and what those of one row count together."""

    accepted: np.ndarray
    agreement: np.ndarray
    weight: float
    pool: CandidatePool

    def weights(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """What each of so many rows counts (rows,), and each accepted candidate, by how sure its label is."""
        parents = self.pool.candidates.parents[self.accepted]
        own, theirs = share_weights(rows, parents, self.weight)
        return own, theirs * self.agreement


@dataclass(frozen=True)
class View:
    """One of the models.

    Attributes:
        name: For the report.
        words: How rows and candidates are worded, where it reads that too.
        tuned: Whose vectors it reads; None: the night's encoder's as it came.
    """

    name: str
    words: WordFeatures | None = None
    tuned: TunedEncoder | None = None


def predicted(cross_fitting: CrossFitting, view: View, added: Callable[[int], Added] | None = None) -> list[np.ndarray]:
    """Each task's predictions for its labeled rows, by a view's models of the other parts (rows,).

    Args:
        cross_fitting: The parts, and probes of the vectors without each.
        view: The models.
        added: For a part the candidates that are learned from beside the rows of the others; None: none.
    """
    found = []
    for place, task in enumerate(cross_fitting.tasks):
        predictions = np.zeros(len(task.codes), dtype=np.int64)
        for part in cross_fitting.held_out_parts:
            rows = (task.codes >= 0) & (cross_fitting.parts == part)
            if rows.any():
                more = added(part) if added else None
                probabilities = _by_vectors(cross_fitting, view, place, part, more)
                if view.words is not None:
                    words = view.words.rows, view.words.candidates
                    probabilities = pool_views(probabilities, _fitted(cross_fitting, task, part, *words, more))
                predictions[rows] = probabilities.argmax(axis=1)
        found.append(predictions)
    return found


def _by_vectors(cross_fitting: CrossFitting, view: View, place: int, part: int, more: Added | None) -> np.ndarray:
    task = cross_fitting.tasks[place]
    if view.tuned is not None:
        return _fitted(cross_fitting, task, part, *view.tuned.vectors(part, more), more)
    if more is not None:
        return _fitted(cross_fitting, task, part, cross_fitting.embeddings, more.pool.vectors, more)
    rows = (task.codes >= 0) & (cross_fitting.parts == part)
    probe = cross_fitting.refits[place].without(part)
    return probe_probabilities(probe, cross_fitting.embeddings[rows], task.classes)


def _fitted(
    cross_fitting: CrossFitting, task: LabelAgreementModels, part: int, rows: Any, candidates: Any, more: Added | None
) -> np.ndarray:
    """Probabilities on a part's rows, by a probe of the other rows and of accepted paraphrases (held out, labels).

    A paraphrase counts by its share of the weight and by how sure its label is.

    Args:
        cross_fitting: The parts.
        task: What is predicted.
        part: The one that is held out.
        rows: Features of the table's rows.
        candidates: Of all candidates.
        more: Which of them are learned from, if any.
    """
    labeled, in_part = task.codes >= 0, cross_fitting.parts == part
    training, test = labeled & ~in_part, rows[labeled & in_part]
    if more is None:
        return fit_predict(rows[training], task.codes[training], test, task.classes)
    row_weights, paraphrase_weights = more.weights(len(labeled))
    labels = task.codes[more.pool.candidates.parents[more.accepted]]
    known = labels >= 0
    parts = rows[training], candidates[more.accepted[known]]
    return fit_predict(
        np.concatenate(parts) if isinstance(rows, np.ndarray) else sparse.vstack(parts, format="csr"),
        np.concatenate([task.codes[training], labels[known]]),
        test,
        task.classes,
        np.concatenate([row_weights[training], paraphrase_weights[known]]),
    )
