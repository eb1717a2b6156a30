"""Linear heads on n-grams: how a text is worded, which errs elsewhere than what it means.

The n-grams that tell the classes apart (chi-squared, Yang and Pedersen 1997) are chosen once for all tasks, and kept by
name, so that the exported model needs neither scikit-learn nor a table of hashes to read a text as training does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import chi2

from tilth.learn.lexical import ANALYZERS
from tilth.samples import evenly_spaced
from tilth.training.heads.ngram_features import NGramReader

_BYTES = 900_000
"""What the packed weights of all tasks may take: the whole view is to cost less than a megabyte on disk."""
_OVERHEAD = 12
"""Bytes of an n-gram beside its weights: its name, its rarity and its scale."""
_MOST = 20_000
"""N-grams at most: of banking77, 10,000 gave a gold macro-F1 of 0.942, 20,000 and all 24,000 gave 0.944."""
_ROWS = 50_000
"""Rows that n-grams are chosen by, evenly spaced: their names stand in memory while they are counted."""
_FEWEST = 2  # rows that must have an n-gram: what a single row has says nothing of any other


@dataclass(frozen=True)
class NGramFeatures:
    """N-grams by name, and how rare each is: see `NGramReader`."""

    names: Mapping[str, Sequence[str]]
    idf: np.ndarray

    def __len__(self) -> int:
        return len(self.idf)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """float32, shape (texts, n-grams)."""
        reader = NGramReader(self.names, self.idf)
        rows = [reader.read(text) for text in texts]
        starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns = np.concatenate([np.zeros(0, dtype=np.int64), *(columns for columns, _ in rows)])
        values = np.concatenate([np.zeros(0, dtype=np.float32), *(values for _, values in rows)])
        return sparse.csr_matrix((values, columns, starts), shape=(len(texts), len(self)))


def choose_ngrams(texts: Sequence[str], codes: Mapping[str, np.ndarray], classes: int) -> NGramFeatures:
    """The n-grams by which some task's classes differ most, as many as the packed model may hold.

    Args:
        texts: of training rows.
        codes: for each task, each text's class, −1 where it has none, shape (texts,).
        classes: of all tasks together.
    """
    rows = evenly_spaced(len(texts), _ROWS)
    counted = {kind: _count([texts[row] for row in rows], kind) for kind in ANALYZERS}
    table = sparse.hstack([counts for _, counts in counted.values()], format="csr")
    frequency = np.bincount(table.indices, minlength=table.shape[1])
    idf = (np.log((1 + len(rows)) / (1 + frequency)) + 1).astype(np.float32)
    table.data = (1 + np.log(table.data)) * idf[table.indices]
    most = min(_MOST, max(_BYTES // (math.ceil(classes / 2) + _OVERHEAD), 1))
    kept = _most_discriminative(table, [task[rows] for task in codes.values()], most)
    names, first = {}, 0
    for kind, (grams, _) in counted.items():
        names[kind] = [grams[column - first] for column in kept[(kept >= first) & (kept < first + len(grams))]]
        first += len(grams)
    return NGramFeatures(names, idf[kept])


def _count(texts: Sequence[str], kind: str) -> tuple[list[str], sparse.csr_matrix]:
    """The n-grams of a kind that enough texts have, and the counts of each, float32, shape (texts, n-grams)."""
    vectorizer = CountVectorizer(analyzer=ANALYZERS[kind], dtype=np.float32)
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # no text has any
        return [], sparse.csr_matrix((len(texts), 0), dtype=np.float32)
    often = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= _FEWEST)
    names = vectorizer.get_feature_names_out()
    return [str(names[column]) for column in often], counts[:, often]


def _most_discriminative(table: sparse.csr_matrix, tasks: Sequence[np.ndarray], most: int) -> np.ndarray:
    """The columns that rank highest for some task, ascending."""
    best_rank = np.full(table.shape[1], table.shape[1])
    for codes in tasks:
        known = codes >= 0
        if table.shape[1] and len(np.unique(codes[known])) > 1:
            order = np.argsort(-np.nan_to_num(chi2(table[known], codes[known])[0]), kind="stable")
            best_rank[order] = np.minimum(best_rank[order], np.arange(len(order)))
    return np.sort(np.argsort(best_rank, kind="stable")[:most])
