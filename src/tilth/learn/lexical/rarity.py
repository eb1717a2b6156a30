"""N-grams weighted by how few rows of a table have them (tf-idf), by weights that other texts can be given too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from tilth.learn.lexical.ngrams import NGrams

_FEWEST = 2
"""Rows that must have an n-gram: what a single row has says nothing of any other."""
_MOST = 2**17
"""N-grams of each kind that are kept, those of the most rows: they bound what models of many classes hold in memory."""


@dataclass(frozen=True, kw_only=True)
class _Weights:
    """The columns that are kept, ascending, and their inverse document frequencies, both of shape (kept,)."""

    columns: np.ndarray
    idf: np.ndarray

    @classmethod
    def fit(cls, rows_with: np.ndarray, rows: int, fewest: int, most: int) -> _Weights:
        """From how many of so many rows have each n-gram, shape (columns,)."""
        often = np.argsort(-rows_with, kind="stable")[:most]
        columns = np.sort(often[rows_with[often] >= fewest])
        idf = np.log((1.0 + rows) / (1.0 + rows_with[columns])) + 1.0  # as scikit-learn's TfidfTransformer
        return cls(columns=columns, idf=idf.astype(np.float32))

    def transform(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        kept = counts[:, self.columns]
        if not len(self.columns):
            return kept
        weights = TfidfTransformer(sublinear_tf=True)
        weights.idf_ = self.idf
        return sparse.csr_matrix(weights.transform(kept), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class RarityWeights:
    """The weight of each n-gram that at least two rows of a table have: the rarer, the heavier (Sparck Jones 1972)."""

    words: _Weights
    characters: _Weights

    @classmethod
    def fit(cls, blocks: Iterable[NGrams], *, most: int = _MOST) -> RarityWeights:
        """From the counts of a table's rows.

        Args:
            blocks: counts of the rows that may be learned from, some rows at a time.
            most: n-grams of each kind that are kept at most, those that most rows have.
        """
        rows, kinds = 0, ("words", "characters")
        rows_with = {kind: np.zeros(0, dtype=np.int64) for kind in kinds}
        for block in blocks:
            rows += len(block)
            for kind in kinds:
                counts = getattr(block, kind)
                here = np.bincount(counts.indices, minlength=counts.shape[1])
                rows_with[kind] = here + (rows_with[kind] if len(rows_with[kind]) else 0)
        return cls(**{kind: _Weights.fit(rows_with[kind], rows, _FEWEST, most) for kind in kinds})

    def transform(self, counts: NGrams) -> NGrams:
        """Logarithms of the counts times the weights, each text's values of each kind of length 1 (0 without any)."""
        return NGrams(words=self.words.transform(counts.words), characters=self.characters.transform(counts.characters))
