"""Classes' names as labeled texts: what a class is called says what its texts are about, to whoever has few of them.

"card_arrival" is read as "card arrival", a text of that class, and so is its sentence of `[data.definitions]`. Names
may be codes, or of another language than the texts: rows that were held out decide whether they are learned from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tilth.learn.models import OutOfFold, fit_probes, knowable, predict_by_folds, probes_from
from tilth.learn.neighbors import Neighbors
from tilth.samples import Task
from tilth.store import digest

FEW = 20
"""Labels a class, at the mean, from which names are not tried. Beside 5, 10 and 20 labels they bring a linear probe of
banking77 1.9, 0.8 and 0.0 points of gold accuracy (means of three draws) and of clinc150 1.3, 0.5 and 0.1 (of two)."""
FEWEST = 20
"""Labels that can be held out, below which nothing can be measured."""
_LEAST = 1e-6
"""What no label is less likely than: one row is not to decide."""
_PARTS = re.compile(r"[_\-./:|+]+|(?<=[a-zß-öø-ÿ0-9])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])|\s+")


@dataclass(frozen=True, kw_only=True)
class ClassTexts:
    """Texts that stand for a task's classes.

    Attributes:
        texts: several of a class, or none.
        codes: their classes, shape (texts,).
        always: whether they are learned from unmeasured.
    """

    texts: tuple[str, ...]
    codes: np.ndarray
    always: bool = False

    def __len__(self) -> int:
        return len(self.texts)

    def of_classes(self, codes: np.ndarray) -> ClassTexts:
        """Those of the classes that a row has, -1 for none, shape (rows,): a class without any is never answered."""
        chosen = np.flatnonzero(np.isin(self.codes, codes)).tolist()
        return replace(self, texts=tuple(self.texts[place] for place in chosen), codes=self.codes[chosen])

    @property
    def fingerprint(self) -> str:
        """Digest of all that a model learns from them."""
        return digest(self.codes.tobytes(), str(self.always), *self.texts)


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
    return bool(len(labels) < FEW * len(np.unique(labels)))


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
    named: NamedClasses, beside: OutOfFold, alone: OutOfFold, codes: np.ndarray, folds: np.ndarray, *, always: bool
) -> NamedClasses:
    """The texts with what they gain; without any where held-out labels are no likelier by them.

    Only rows are measured whose class other folds have, too: a name alone would gain most on the others, and what it
    is worth beside their rows is not known.

    Args:
        named: texts and their vectors.
        beside: predictions by models that learned from them.
        alone: predictions by models of the rows alone.
        codes: class codes, -1 for rows without a label, shape (rows,).
        folds: each row's fold, shape (rows,).
        always: whether they are kept without a gain.
    """
    rows = np.flatnonzero(knowable(codes, folds))
    truth, facts = codes[rows], dict[str, Any]({"texts": len(named.texts), "held_out_rows": len(rows)})
    if len(rows) < FEWEST:
        facts |= {"kept": always, "why": f"{len(rows)} labels can be held out, {FEWEST} are needed to choose"}
    else:
        before, after = (found.probabilities[rows, truth] for found in (alone, beside))
        gain = float((np.log(after + _LEAST) - np.log(before + _LEAST)).sum())
        right = [round(float((found.predicted[rows] == truth).mean()), 4) for found in (alone, beside)]
        facts |= {"accuracy": dict(zip(("rows", "rows_and_names"), right, strict=True))}
        facts |= {"likelihood_gain": round(gain, 2), "kept": always or gain > 0}
    if not facts["kept"]:
        return NamedClasses(facts=facts)
    return replace(named, out_of_fold=beside, facts=facts)


def class_texts(tasks: Sequence[Task], definitions: Mapping[str, str], wanted: str) -> dict[str, ClassTexts]:
    """The texts of each task's classes; none of tasks whose names and definitions hold no words.

    Args:
        tasks: of the night.
        definitions: class → a sentence on it.
        wanted: `auto`, `always` or `never`.
    """
    if wanted == "never":
        return {}
    found = {}
    for task in tasks:
        names = [name_in_words(label) for label in task.labels]
        counts = Counter(map(_words, names))
        named = [name if _words(name) and counts[_words(name)] == 1 else "" for name in names]
        pairs = [
            (text, code)
            for code, label in enumerate(task.labels)
            for text in (named[code], definitions.get(label, ""))
            if text
        ]
        if len({code for _, code in pairs}) > 1:
            texts, codes = zip(*pairs, strict=True)
            found[task.name] = ClassTexts(texts=texts, codes=np.array(codes), always=wanted == "always")
    return found


def name_in_words(label: str) -> str:
    """A class's name as a person would say it.

    >>> name_in_words("card_arrival"), name_in_words("cancelOrder"), name_in_words("top-up/HTMLPage")
    ('card arrival', 'cancel Order', 'top up HTML Page')
    """
    return " ".join(part for part in _PARTS.split(label) if part)


def _words(name: str) -> frozenset[str]:
    """The words of a name that are no number, code or single letter, by which it is told from others.

    >>> sorted(_words("level 2 support a")), _words("A1"), _words("0")
    (['level', 'support'], frozenset(), frozenset())
    """
    letters = (re.sub(r"[^\w]|_", "", word).casefold() for word in name.split())
    return frozenset(word for word in letters if sum(map(str.isalpha, word)) > 1 and not re.search(r"\d", word))
