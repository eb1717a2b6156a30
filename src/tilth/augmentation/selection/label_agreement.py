"""Models that did not see a row, to judge the row's paraphrases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.learn import Evidence, apply_temperature, calibrate, knowable, new_probe
from tilth.samples import Source, Task, settled

_KEPT = 0.75  # share of paraphrases that keep their label before any gate: benchmarks/paraphrases.py, rounded down


@dataclass(frozen=True)
class TaskJudges:
    """One task's judges, a fold each, and what they say of the rows held out from them.

    Attributes:
        task: What they classify.
        codes: The label in force as an index (rows,), -1 where a row teaches nothing.
        folds: Each row's fold (rows,).
        models: A fitted judge a fold, or None where its training rows have fewer than two classes.
        whole: A judge of all rows, or None; it stands in where a class has no row outside the fold.
        heldout: Probabilities (rows, labels) by the judge that did not see the row; zero rows where codes < 0.
        temperature: What makes `heldout` calibrated.
    """

    task: Task
    codes: np.ndarray
    folds: np.ndarray
    models: tuple[Any, ...]
    whole: Any
    heldout: np.ndarray
    temperature: float

    def agreement(self, parents: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability that each paraphrase kept its parent's label, by the judge that did not see the parent.

        A judge spreads its belief over all classes, so that of 77 a fifth may be a clear first choice; but it does not
        know where the text comes from. By Bayes' rule its belief is weighed with that: most paraphrases keep their
        label before any gate, and those that lose it may get any other.

        Where that judge knows no row of the class, as with one label a class, the judge of all rows is asked which
        label it prefers, the parent's or the strongest rival: better than nothing, though it saw the parent.

        Args:
            parents: The parents' rows (paraphrases,).
            vectors: The paraphrases' embeddings (paraphrases, dimensions).

        Returns:
            Probabilities (paraphrases,), NaN where the parent has no label; whether the label is the
            judge's first choice (true where there is no label).
        """
        return agreement_of(
            self.codes[parents],
            self.folds[parents],
            dict(enumerate(self.models)),
            self.whole,
            vectors,
            len(self.task.labels),
            self.temperature,
        )

    def recall(self) -> dict[tuple[str, str], float]:
        """Share of each class's rows that the judge finds without having seen them."""
        known = self.codes >= 0
        right = self.heldout.argmax(axis=1) == self.codes
        return {
            (self.task.name, label): float(right[known & (self.codes == code)].mean())
            for code, label in enumerate(self.task.labels)
            if (known & (self.codes == code)).any()
        }


def agreement_of(
    labels: np.ndarray,
    parts: np.ndarray,
    models: Mapping[int, Any],
    whole: Any,
    vectors: np.ndarray,
    classes: int,
    temperature: float,
) -> tuple[np.ndarray, np.ndarray]:
    """As `TaskJudges.agreement`, by any judges.

    Args:
        labels: The parents' labels as codes, -1 for none (paraphrases,).
        parts: Which of the judges may judge each of them (paraphrases,).
        models: Those judges, each None where there was nothing to tell apart.
        whole: Who stands in where that one does not know the class.
        vectors: The paraphrases' embeddings (paraphrases, dimensions).
        classes: How many there are.
        temperature: What makes the judges' probabilities calibrated.
    """
    chance, first = np.full(len(labels), np.nan), np.ones(len(labels), dtype=bool)
    known = np.zeros(len(labels), dtype=bool)
    for part, model in models.items():
        mine = (parts == part) & (labels >= 0) & np.isin(labels, _classes(model))
        asked = np.flatnonzero(mine)
        if len(asked):
            found = apply_temperature(probabilities(model, vectors[asked], classes), temperature)
            own = found[np.arange(len(asked)), labels[asked]]
            chance[asked] = _kept(own, (1 - own) / max(classes - 1, 1))
            first[asked] = found.argmax(axis=1) == labels[asked]
        known |= mine
    rest = np.flatnonzero((labels >= 0) & ~known)
    if len(rest):
        found = probabilities(whole, vectors[rest], classes)
        own = found[np.arange(len(rest)), labels[rest]].copy()
        found[np.arange(len(rest)), labels[rest]] = 0
        chance[rest] = _kept(own, found.max(axis=1))
        first[rest] = (own > found.max(axis=1)) & (whole is not None)
    return chance, first


def _kept(own: np.ndarray, rival: np.ndarray) -> np.ndarray:
    """Probability of the parent's label after a judge's belief in it and in each (or the strongest) other one."""
    kept = _KEPT * own
    return np.asarray(kept / np.maximum(kept + (1 - _KEPT) * rival, 1e-12))


def together(judged: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Several tasks' agreement as one: the smallest probability, NaN without any label, and whether all come first."""
    chances = np.array([chance for chance, _ in judged])
    least = np.where(np.isnan(chances).all(axis=0), np.nan, np.nan_to_num(chances, nan=1.0).min(axis=0))
    return least, np.all([first for _, first in judged], axis=0)


def multiclass_tasks(fitted: Sequence[TaskJudges]) -> list[TaskJudges]:
    """The tasks that have two classes to tell apart; all where none has, so that nobody vouches for any label."""
    return [found for found in fitted if len(np.unique(found.codes[found.codes >= 0])) > 1] or list(fitted)


def fit(frame: pd.DataFrame, task: Task, evidence: Evidence) -> TaskJudges:
    """A judge for each fold, from the rows outside it that may teach the task."""
    codes = task.codes(frame[task.name])
    codes[~settled(frame, task.name)] = -1
    codes[(frame["source"] != Source.INPUT).to_numpy(dtype=bool)] = -1
    vectors, folds = evidence.embeddings(), evidence.folds
    heldout = np.zeros((len(codes), len(task.labels)), dtype=np.float32)
    models: list[Any] = []
    for fold in range(int(folds.max(initial=0)) + 1):
        held = (codes >= 0) & (folds == fold)
        taught = (codes >= 0) & ~held
        trained = trained_on(vectors[taught], codes[taught])
        models.append(trained)
        if held.any():
            heldout[held] = probabilities(trained, vectors[held], len(task.labels))
    known, judged = codes >= 0, knowable(codes, folds)
    temperature = calibrate(heldout[judged], codes[judged])
    # A judge of all rows costs one more fit, so that it is made only where a class would have none.
    lonely = any(
        not np.isin(codes[known & (folds == fold)], _classes(model)).all() for fold, model in enumerate(models)
    )
    whole = trained_on(vectors[known], codes[known]) if lonely else None
    return TaskJudges(task, codes, np.asarray(folds), tuple(models), whole, heldout, temperature)


def trained_on(vectors: np.ndarray, codes: np.ndarray) -> Any:
    """A judge, or None where there is nothing to tell apart."""
    return new_probe().fit(vectors, codes) if len(np.unique(codes)) > 1 else None


def _classes(model: Any) -> np.ndarray:
    return np.zeros(0, dtype=np.int64) if model is None else np.asarray(model.classes_)


def probabilities(model: Any, vectors: np.ndarray, classes: int) -> np.ndarray:
    """A judge's probabilities of all classes (rows, classes); even odds where there is no judge."""
    found = np.full((len(vectors), classes), 0.0 if model is not None else 1 / classes, dtype=np.float32)
    if model is not None:
        found[:, model.classes_] = model.predict_proba(vectors)
    return found
