"""Counts of each text's n-grams: words, which people choose, and characters, which every script has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from tilth.learn.lexical.analyzers import ANALYZERS
from tilth.store import Cache, digest, digest_made_by

_BUCKETS = 2**20
"""Columns that n-grams are hashed into: of the half million that 100,000 short texts share, a fifth meet another."""
_BLOCK = 4_096
"""Texts whose counts stand in one file of the cache: rows that are added to a table leave those before them valid."""


@dataclass(frozen=True, kw_only=True)
class NGrams:
    """Sparse values of n-grams, aligned with some texts.

    Attributes:
        words: of word 1-2-grams, float32 `csr_matrix` of shape (texts, columns).
        characters: of character 2-5-grams within words, float32 `csr_matrix` of shape (texts, other columns).
    """

    words: sparse.csr_matrix
    characters: sparse.csr_matrix

    def __len__(self) -> int:
        return int(self.words.shape[0])

    def __getitem__(self, rows: np.ndarray) -> NGrams:
        """Those of some texts, by positions or by a mask."""
        return NGrams(words=self.words[rows], characters=self.characters[rows])

    @property
    def joined(self) -> sparse.csr_matrix:
        """Words and characters side by side, shape (texts, all columns)."""
        return sparse.hstack([self.words, self.characters], format="csr", dtype=np.float32)


def count_ngrams(texts: Sequence[str]) -> NGrams:
    """How often each text has each n-gram, hashed into a fixed number of columns; no text's counts depend on another.

    Case is ignored. Two texts of one wording have the same counts, whatever their table.
    """
    return stacked(count_blocks(texts, None))


def count_blocks(texts: Sequence[str], cache: Cache | None) -> Iterator[NGrams]:
    """As `count_ngrams`, some thousand texts at a time: the counts of a million fill gigabytes.

    Args:
        texts: any number, of any script.
        cache: where counts are kept by content; None counts anew.
    """
    for start in range(0, len(texts), _BLOCK):
        yield NGrams(**_counted(texts[start : start + _BLOCK], cache))


def stacked(blocks: Iterable[NGrams]) -> NGrams:
    """The values of texts that come in blocks, one below the other."""
    words, characters = [], []
    for block in blocks:
        words.append(block.words)
        characters.append(block.characters)
    return NGrams(words=_stacked(words), characters=_stacked(characters))


def _stacked(parts: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    """As `scipy.sparse.vstack`, which holds all values twice; here the values go before the columns are joined."""
    if not parts:
        return _empty()
    columns, entries = parts[0].shape[1], np.concatenate([np.diff(part.indptr) for part in parts])
    data, indices = [part.data for part in parts], [part.indices for part in parts]
    parts.clear()
    values = np.concatenate(data, dtype=np.float32)
    data.clear()
    starts = np.concatenate([[0], np.cumsum(entries, dtype=np.int64)])
    width = np.int32 if starts[-1] < np.iinfo(np.int32).max else np.int64
    places = np.concatenate(indices, dtype=width)
    return sparse.csr_matrix((values, places, starts.astype(width)), shape=(len(entries), columns))


def _counted(texts: Sequence[str], cache: Cache | None) -> dict[str, sparse.csr_matrix]:
    def compute() -> dict[str, np.ndarray]:
        counted = {kind: _hashed(texts, analyzer) for kind, analyzer in ANALYZERS.items()}
        return {
            f"{name}_{part}": getattr(matrix, part)
            for name, matrix in counted.items()
            for part in ("data", "indices", "indptr")
        }

    if cache is None:
        arrays = compute()
    else:
        code = digest_made_by([Path(__file__), Path(__file__).with_name("analyzers.py")], ["scikit-learn"])
        arrays = cache.arrays("ngrams", digest(code, *texts), compute)
    return {name: _matrix(arrays, name, len(texts)) for name in ("words", "characters")}


def _matrix(arrays: dict[str, np.ndarray], name: str, rows: int) -> sparse.csr_matrix:
    data, indices, starts = (arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_matrix((data, indices, starts), shape=(rows, _BUCKETS))


def _empty() -> sparse.csr_matrix:
    return sparse.csr_matrix((0, _BUCKETS), dtype=np.float32)


def _hashed(texts: Sequence[str], analyzer: Callable[[str], list[str]]) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=analyzer, n_features=_BUCKETS, alternate_sign=False, norm=None, dtype=np.float32
    ).transform(texts)
