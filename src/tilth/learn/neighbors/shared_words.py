"""Which sets of words may share most of their words, without a comparison of each with all."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping


class SharedWords:
    """Sets of words that share at least a part of all their words, found by their rarest ones.

    Two sets that share `least` of all their words share one of the few rarest of each, so that only sets that have one
    in common are looked at (prefix filtering, Chaudhuri et al. 2006; Bayardo et al. 2007).
    """

    def __init__(self, words: Mapping[int, frozenset[str]], least: float) -> None:
        """Count how rare each word is.

        Args:
            words: of each row that is added or looked for.
            least: share of all words of two sets that both have, above 0 and at most 1.
        """
        self._words, self._least = words, least
        self._rows_with = Counter(word for one in words.values() for word in one)
        self._rows: dict[str, list[int]] = defaultdict(list)

    def add(self, row: int) -> None:
        """Let a row be found."""
        for word in self._rarest(row):
            self._rows[word].append(row)

    def candidates(self, row: int) -> set[int]:
        """The added rows that may share `least` of the words with this one: all of those that do, and some others."""
        return {other for word in self._rarest(row) for other in self._rows.get(word, ())}

    def _rarest(self, row: int) -> Iterable[str]:
        """As many of the rarest words as a set that shares enough cannot all be without."""
        words = self._words[row]
        without = len(words) - math.ceil(self._least * len(words))
        return sorted(words, key=lambda word: (self._rows_with[word], word))[: without + 1]
