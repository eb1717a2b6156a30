"""Classes' names as labeled texts: what a class is called says what its texts are about, to whoever has few of them.

Names may be codes, or of another language than the texts: rows that were held out decide whether they are learned from,
and where too few can be held out, how well the names alone classify the labeled rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest

from tilth.learn.models import OutOfFold, fit_probes, knowable, predict_by_folds, probes_from
from tilth.learn.neighbors import Neighbors
from tilth.store import digest

FEW = 20
"""Labels a class, at the mean, from which names are not tried. Beside 5, 10 and 20 labels they bring a linear probe of
banking77 1.9, 0.8 and 0.0 points of gold accuracy (means of three draws) and of clinc150 1.3, 0.5 and 0.1 (of two)."""
FEWEST = 20
"""Labels that can be held out, below which names are judged by what they say alone."""
AGREEMENT, _CHANCE = 0.5, 0.05
"""Cohen's kappa of names and labels from which a name is worth a labeled row, and how often chance may reach it.

With one and two labels a class, and a growing share of the names given to other classes, a linear probe gains gold
accuracy from a kappa of 0.35 on (banking77) and 0.5 on (clinc150), which is how well one labeled row a class does; with
right names kappa is 0.55 to 0.71, and the gain 4 to 18 points (three draws of each)."""
_LEAST = 1e-6
"""What no label is less likely than: one row is not to decide."""


@dataclass(frozen=True, kw_only=True)
class NamedClasses:
    """The texts of a task's classes that are to be learned from beside its rows.

    Attributes:
        texts: none where they are not to be.
        vectors: float32, shape (texts, dimensions).
        codes: shape (texts,).
        out_of_fold: predictions of the rows by models that learn from these texts too; None where there are none.
        facts: what was measured, for `run.json`; empty where nothing was tried.
    """

    texts: Sequence[str] = ()
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    codes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    out_of_fold: OutOfFold | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Digest of what is learned from them; empty where there are none."""
        return digest(self.codes.tobytes(), *self.texts) if self.texts else ""

    def of_classes(self, codes: np.ndarray) -> NamedClasses:
        """The texts of the classes that a row has, -1 for none, shape (rows,)."""
        chosen = np.flatnonzero(np.isin(self.codes, codes))
        if len(chosen) == len(self.codes):
            return self
        texts = [self.texts[place] for place in chosen.tolist()]
        return replace(self, texts=texts, vectors=self.vectors[chosen], codes=self.codes[chosen])

    def vectors_beside(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors of the rows, and of these texts after them."""
        return np.concatenate([vectors, self.vectors]) if self.texts else vectors

    def codes_beside(self, codes: np.ndarray) -> np.ndarray:
        """The classes of the rows, and of these texts after them."""
        return np.concatenate([codes, self.codes])

    def folds_beside(self, folds: np.ndarray) -> np.ndarray:
        """The folds of the rows, and of these texts after them, which no fold holds out."""
        return np.concatenate([folds, np.full(len(self.codes), -1, dtype=folds.dtype)])

    def neighbors_beside(self, neighbors: Neighbors, vectors: np.ndarray) -> Neighbors:
        """The nearest of each row, and after them those of these texts among the rows.

        Args:
            neighbors: of the rows, shape (rows, k).
            vectors: of the rows, float32, shape (rows, dimensions).
        """
        if not self.texts:
            return neighbors
        rows, similarities = [neighbors.rows], [neighbors.similarities]
        for vector in self.vectors:  # of a large table, the cosines of one text at a time
            cosines = vectors @ vector
            nearest = _largest(cosines, neighbors.rows.shape[1])
            rows.append(nearest[None].astype(neighbors.rows.dtype))
            similarities.append(cosines[nearest][None])
        return Neighbors(rows=np.concatenate(rows), similarities=np.concatenate(similarities))


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The places of the largest values, the largest first.

    >>> _largest(np.array([0.1, 0.9, 0.5]), 2).tolist()
    [1, 2]
    """
    found = np.argpartition(-values, count - 1)[:count]
    return found[np.argsort(-values[found], kind="stable")]


def is_few(codes: np.ndarray) -> bool:
    """Whether names are tried beside so many labels: codes, -1 for none, shape (rows,)."""
    labels = codes[codes >= 0]
    return bool(len(labels) < FEW * max(len(np.unique(labels)), 1))


def predict_with_names(
    named: NamedClasses, vectors: np.ndarray, codes: np.ndarray, folds: np.ndarray, classes: int, fold_count: int
) -> OutOfFold:
    """As `predict_by_folds`, by probes that learn from the classes' texts beside the other folds' rows.

    Args:
        named: texts and their vectors.
        vectors: of the rows, float32, shape (rows, dimensions).
        codes: class codes, -1 for rows without a label, shape (rows,).
        folds: each row's fold, shape (rows,).
        classes: how many there are in all.
        fold_count: how many folds there are in all.
    """
    beside = named.folds_beside(folds)
    probes = fit_probes(
        named.vectors_beside(vectors),
        named.codes_beside(codes),
        [beside != fold for fold in range(fold_count)],
        classes,
    )
    return predict_by_folds(probes_from(probes), vectors, codes, folds)


def with_measure(
    named: NamedClasses,
    beside: OutOfFold,
    alone: OutOfFold,
    vectors: np.ndarray,
    codes: np.ndarray,
    folds: np.ndarray,
    *,
    always: bool,
) -> NamedClasses:
    """The texts with what they gain; without any where held-out labels are no likelier by them.

    Only rows are measured whose class other folds have, too: a name alone would gain most on the others, and what it
    is worth beside their rows is not known. Where these are too few, the texts are kept that by themselves classify the
    labeled rows about as well as a labeled row a class does.

    Args:
        named: texts and their vectors.
        beside: predictions by models that learned from them.
        alone: predictions by models of the rows alone.
        vectors: of the rows, float32, shape (rows, dimensions).
        codes: class codes, -1 for rows without a label, shape (rows,).
        folds: each row's fold, shape (rows,).
        always: whether they are kept without a gain.
    """
    rows = np.flatnonzero(knowable(codes, folds))
    truth, facts = codes[rows], dict[str, Any]({"texts": len(named.texts), "held_out_rows": len(rows)})
    if len(rows) < FEWEST:
        agreement, beyond_chance = _agreement(named, vectors[codes >= 0], codes[codes >= 0])
        judged = f"the names alone have a kappa of {agreement:.2f}, and {AGREEMENT} is asked for, beyond chance"
        why = f"{len(rows)} labels can be held out, fewer than {FEWEST}; {'always' if always else judged}"
        kept = always or (beyond_chance and agreement >= AGREEMENT)
        facts |= {"agreement": round(agreement, 2), "kept": kept, "why": why}
    else:
        before, after = (found.probabilities[rows, truth] for found in (alone, beside))
        gain = float((np.log(after + _LEAST) - np.log(before + _LEAST)).sum())
        right = [round(float((found.predicted[rows] == truth).mean()), 4) for found in (alone, beside)]
        facts |= {"accuracy": dict(zip(("rows", "rows_and_names"), right, strict=True))}
        facts |= {"likelihood_gain": round(gain, 2), "kept": always or gain > 0}
    if not facts["kept"]:
        return NamedClasses(facts=facts)
    return replace(named, out_of_fold=beside, facts=facts)


def _agreement(named: NamedClasses, vectors: np.ndarray, codes: np.ndarray) -> tuple[float, bool]:
    """How far each row's nearest text is of the row's class: Cohen's kappa, and whether that is beyond chance.

    Args:
        named: texts and their vectors.
        vectors: of labeled rows, float32, shape (rows, dimensions).
        codes: their classes, shape (rows,).
    """
    if not len(codes):
        return 0.0, False
    nearest = named.codes[(vectors @ named.vectors.T).argmax(axis=1)]
    right, classes = int((nearest == codes).sum()), int(max(codes.max(), named.codes.max())) + 1
    shares = [np.bincount(one, minlength=classes) / len(codes) for one in (nearest, codes)]
    chance = min(float(shares[0] @ shares[1]), 1.0)
    if chance == 1:  # one class, and its text
        return 0.0, False
    test = binomtest(right, len(codes), chance, alternative="greater")
    return (right / len(codes) - chance) / (1 - chance), bool(test.pvalue < _CHANCE)
