"""Models that did not see a row, to judge the row's paraphrases and to prove whether these help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth.evidence import Evidence, calibrate, soften
from tilth.judge import fit_predict, judge
from tilth.samples import Source, Task, learnable

_DRAWS = 200  # of the bootstrap


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
        """Probability of the parent's label for each paraphrase, by the judge that did not see the parent.

        Where that one knows no row of the class, as with one label a class, the judge of all rows is asked which
        label it prefers, the parent's or the strongest rival: better than nothing, though it saw the parent.

        Args:
            parents: The parents' rows (paraphrases,).
            vectors: The paraphrases' embeddings (paraphrases, dimensions).

        Returns:
            Calibrated probabilities (paraphrases,), NaN where the parent has no label; whether the label is the
            judge's first choice (true where there is no label).
        """
        chance, first = np.full(len(parents), np.nan), np.ones(len(parents), dtype=bool)
        label, known = self.codes[parents], np.zeros(len(parents), dtype=bool)
        for fold, model in enumerate(self.models):
            mine = (self.folds[parents] == fold) & (label >= 0) & np.isin(label, _classes(model))
            asked = np.flatnonzero(mine)
            if len(asked):
                found = soften(_probabilities(model, vectors[asked], len(self.task.labels)), self.temperature)
                chance[asked] = found[np.arange(len(asked)), label[asked]]
                first[asked] = found.argmax(axis=1) == label[asked]
            known |= mine
        rest = np.flatnonzero((label >= 0) & ~known)
        if len(rest):
            found = _probabilities(self.whole, vectors[rest], len(self.task.labels))
            own = found[np.arange(len(rest)), label[rest]].copy()
            found[np.arange(len(rest)), label[rest]] = 0
            chance[rest] = own / np.maximum(own + found.max(axis=1), 1e-12)
            first[rest] = (own > found.max(axis=1)) & (self.whole is not None)
        return chance, first

    def recall(self) -> dict[tuple[str, str], float]:
        """Share of each class's rows that the judge finds without having seen them."""
        known = self.codes >= 0
        right = self.heldout.argmax(axis=1) == self.codes
        return {
            (self.task.name, label): float(right[known & (self.codes == code)].mean())
            for code, label in enumerate(self.task.labels)
            if (known & (self.codes == code)).any()
        }


def fit(frame: pd.DataFrame, task: Task, evidence: Evidence) -> TaskJudges:
    """A judge for each fold, from the rows outside it that may teach the task."""
    index = {label: code for code, label in enumerate(task.labels)}
    codes = np.array([index.get(label, -1) if isinstance(label, str) else -1 for label in frame[task.name]])
    codes[~learnable(frame, task.name)] = -1
    codes[(frame["source"] != Source.INPUT).to_numpy(dtype=bool)] = -1
    vectors, folds = evidence.embeddings(), evidence.folds
    heldout = np.zeros((len(codes), len(task.labels)), dtype=np.float32)
    models: list[Any] = []
    for fold in range(int(folds.max(initial=0)) + 1):
        held = (codes >= 0) & (folds == fold)
        taught = (codes >= 0) & ~held
        trained = _trained(vectors[taught], codes[taught])
        models.append(trained)
        if held.any():
            heldout[held] = _probabilities(trained, vectors[held], len(task.labels))
    known = codes >= 0
    temperature = calibrate(heldout[known], codes[known]) if known.any() else 1.0
    # A judge of all rows costs one more fit, so that it is made only where a class would have none.
    lonely = any(
        not np.isin(codes[known & (folds == fold)], _classes(model)).all() for fold, model in enumerate(models)
    )
    whole = _trained(vectors[known], codes[known]) if lonely else None
    return TaskJudges(task, codes, np.asarray(folds), tuple(models), whole, heldout, temperature)


def _trained(vectors: np.ndarray, codes: np.ndarray) -> Any:
    """A judge, or None where there is nothing to tell apart."""
    return judge().fit(vectors, codes) if len(np.unique(codes)) > 1 else None


def _classes(model: Any) -> np.ndarray:
    return np.zeros(0, dtype=np.int64) if model is None else np.asarray(model.classes_)


def _probabilities(model: Any, vectors: np.ndarray, classes: int) -> np.ndarray:
    found = np.full((len(vectors), classes), 0.0 if model is not None else 1 / classes, dtype=np.float32)
    if model is not None:
        found[:, model.classes_] = model.predict_proba(vectors)
    return found


@dataclass(frozen=True)
class Proof:
    """Cross-validated macro-F1 on the night's own train rows, without and with paraphrases, mean over tasks.

    `interval` holds the difference's 95% bootstrap interval, `weight` what a paraphrase counts beside a row: of the
    weights that were tried the one with the best figure, which is therefore a little too good.
    """

    without: float
    with_them: float
    interval: tuple[float, float]
    weight: float

    @property
    def harmless(self) -> bool:
        """Whether the macro-F1 with paraphrases is not the worse one."""
        return self.with_them >= self.without


def prove(
    judges: Sequence[TaskJudges],
    evidence: Evidence,
    parents: np.ndarray,
    vectors: np.ndarray,
    sure: np.ndarray,
    seed: int,
    weights: Sequence[float] = (1.0,),
) -> Proof:
    """Cross-validates with paraphrases; those of a held-out row are held out with it.

    Args:
        judges: Those of `fit`, one a task.
        evidence: Of the same table.
        parents: The accepted paraphrases' parents (paraphrases,).
        vectors: Their embeddings (paraphrases, dimensions).
        sure: How sure their label is (paraphrases,).
        seed: Of the bootstrap.
        weights: What a paraphrase may count beside a row; each is tried.
    """
    known = [np.flatnonzero(found.codes >= 0) for found in judges]
    asked = [(found, rows) for found, rows in zip(judges, known, strict=True) if len(rows)]
    if not asked:
        return Proof(0.0, 0.0, (0.0, 0.0), weights[0])
    tried = {
        weight: [
            _with_paraphrases(found, evidence.embeddings(), parents, vectors, weight * sure)[rows].argmax(axis=1)
            for found, rows in asked
        ]
        for weight in weights
    }
    truths = [found.codes[rows] for found, rows in asked]
    before = [found.heldout[rows].argmax(axis=1) for found, rows in asked]
    sizes = [len(found.task.labels) for found, _ in asked]

    def score(guesses: Sequence[np.ndarray]) -> float:
        return float(np.mean([macro_f1(*one) for one in zip(truths, guesses, sizes, strict=True)]))

    best = max(tried, key=lambda weight: score(tried[weight]))
    rng, differences = np.random.default_rng(seed), []
    for truth, one, two, classes in zip(truths, before, tried[best], sizes, strict=True):
        draws = rng.integers(len(truth), size=(_DRAWS, len(truth)))
        differences.append([
            macro_f1(truth[draw], two[draw], classes) - macro_f1(truth[draw], one[draw], classes) for draw in draws
        ])  # fmt: skip
    low, high = np.quantile(np.mean(differences, axis=0), [0.025, 0.975])
    return Proof(score(before), score(tried[best]), (float(low), float(high)), best)


def _with_paraphrases(
    found: TaskJudges, rows: np.ndarray, parents: np.ndarray, vectors: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    heldout = np.zeros_like(found.heldout)
    labels = found.codes[parents]
    for fold in range(len(found.models)):
        held = (found.codes >= 0) & (found.folds == fold)
        taught = (found.codes >= 0) & ~held
        added = (labels >= 0) & (found.folds[parents] != fold)
        if held.any():
            heldout[held] = fit_predict(
                np.concatenate([rows[taught], vectors[added]]),
                np.concatenate([found.codes[taught], labels[added]]),
                rows[held],
                len(found.task.labels),
                np.concatenate([np.ones(int(taught.sum())), weights[added]]),
            )
    return heldout


def macro_f1(truth: np.ndarray, guess: np.ndarray, classes: int) -> float:
    """Mean F1 over the classes of the truth.

    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3), 4)
    0.7333
    """
    right = np.bincount(truth[truth == guess], minlength=classes)
    total, said = np.bincount(truth, minlength=classes), np.bincount(guess, minlength=classes)
    there = total > 0
    return float((2 * right[there] / (total[there] + said[there])).mean())
