"""How rows and candidates are worded, for a proof by a model that reads words beside vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilth.learn import Evidence
from tilth.learn.lexical import count_ngrams

_FEWEST = 2  # texts that must hold an n-gram: what a single one holds says nothing of any other


@dataclass(frozen=True)
class WordFeatures:
    """Words and pairs of words weighted by rarity, sparse.

    Attributes:
        rows: Of the table's rows (rows, n-grams).
        candidates: Of the candidates (candidates, n-grams).
    """

    rows: Any
    candidates: Any


def word_features(
    evidence: Evidence, texts: Sequence[str], labeled: np.ndarray, accepted: np.ndarray
) -> WordFeatures | None:
    """The features of the table's rows and of further texts, or None where no n-gram occurs twice.

    Args:
        evidence: On the table; the rarities are those of its rows, gold left out.
        texts: The candidates.
        labeled: Which rows are learned from (rows,).
        accepted: Which candidates are (candidates,): of what neither holds, no model learns anything.
    """
    rows, candidates = evidence.lexical.words, evidence.rarity.transform(count_ngrams(texts)).words
    texts_with = np.bincount(rows[labeled].indices, minlength=rows.shape[1])
    texts_with += np.bincount(candidates[accepted].indices, minlength=rows.shape[1])
    columns = np.flatnonzero(texts_with >= _FEWEST)
    return WordFeatures(rows[:, columns], candidates[:, columns]) if len(columns) else None
