"""From a text to the features of its n-grams, by their names and numpy alone: an exported model reads by it, too."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from tilth.learn.lexical import ANALYZERS


class NGramReader:
    """Turns a text into the features of its n-grams.

    Args:
        names: for each kind of `tilth.learn.lexical.ANALYZERS`, its n-grams; their columns follow each other.
        idf: inverse document frequencies, float32, shape (n-grams,).
    """

    def __init__(self, names: Mapping[str, Sequence[str]], idf: np.ndarray) -> None:
        self._idf = np.asarray(idf, dtype=np.float32)
        self._columns: dict[str, dict[str, int]] = {}
        first = 0
        for kind, grams in names.items():
            self._columns[kind] = {gram: first + place for place, gram in enumerate(grams)}
            first += len(grams)

    def __len__(self) -> int:
        return len(self._idf)

    def read(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """A text's columns, int64, and values, float32, both of shape (n-grams that it has,).

        A value is (1 + ln count) times the n-gram's rarity; those of one kind have the length 1 / √kinds together.
        """
        columns, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.float32)]
        for kind, known in self._columns.items():
            counts = Counter([column for column in map(known.get, ANALYZERS[kind](text)) if column is not None])
            if counts:
                places = np.fromiter(counts, dtype=np.int64, count=len(counts))
                weights = self._idf[places] * (1 + np.log(np.fromiter(counts.values(), dtype=np.float32)))
                columns.append(places)
                values.append((weights / (math.sqrt(len(self._columns) * float(weights @ weights)))).astype(np.float32))
        return np.concatenate(columns), np.concatenate(values)
