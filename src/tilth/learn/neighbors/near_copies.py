"""Near copies: rows whose texts say the same in nearly the same words; the first of them in turn stays for the others.

Rows are near copies where the cosine of their vectors is high and they share most of their words. The nearest rows, as
everybody else uses them, hold the candidates, so that no two rows are compared that are not near; a row all of whose
nearest are so like it may have more of them, and is compared with those that stay, are such rows and share a rare word
with it, too: of thousands of texts of one template (`your code is 4821`) each would be compared with all, else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from tilth.learn.neighbors.neighbors import Neighbors
from tilth.learn.neighbors.shared_words import SharedWords
from tilth.text import normal_form, normal_sentences, says_something, tokens

NEAR_COPY, SHARED_WORDS = 0.96, 0.7
"""Cosine from which two texts may be near copies, and the share of their words that they have in common then."""
CANDIDATES = 20
"""Nearest rows of each row that are looked at."""


class NearCopies:
    """Which row stays for each of some rows.

    Attributes:
        kept: position of the row that stays for a row, among the same rows: its own where it stays itself, and where
            no row is near it or it has no turn; int64, shape (rows,).
        similarities: cosine to that row, 1 where it is the row itself, shape (rows,).
    """

    def __init__(
        self,
        texts: Sequence[str],
        vectors: np.ndarray,
        near: Neighbors,
        turns: np.ndarray,
        *,
        long: np.ndarray | None = None,
        cosine: float = NEAR_COPY,
    ) -> None:
        """Let each row in turn stay, or stand behind the most similar one before it that is a near copy.

        Args:
            texts: of the rows.
            vectors: L2-normalized, shape (rows, dimensions).
            near: their nearest rows among themselves, `CANDIDATES` or more.
            turns: positions of rows, in the order in which they may stay.
            long: boolean, shape (rows,): texts of many sentences, where one sentence of its own makes a text no copy.
            cosine: from which two rows may be near copies.
        """
        self._vectors, self._near, self._cosine = vectors, near, cosine
        close = near.similarities >= cosine
        self._full = np.asarray(close.all(axis=1)) & bool(close.shape[1])  # there may be more than were found
        there = np.flatnonzero(close.any(axis=1))
        self._words = {row: frozenset(tokens(normal_form(texts[row]))) for row in there.tolist()}
        many = there if long is None else there[long[there]]
        self._sentences = {row: set(normal_sentences(texts[row])) for row in many.tolist()} if long is not None else {}
        self.kept, self.similarities = np.arange(len(texts)), np.ones(len(texts))
        self._stays = np.zeros(len(texts), dtype=bool)
        self._reached: dict[int, list[int]] = defaultdict(list)  # of those that stay and have a row among their nearest
        self._full_stay = SharedWords(self._words, SHARED_WORDS)
        for row in (turn for turn in turns.tolist() if turn in self._words):
            self._take_turn(row)

    def _take_turn(self, row: int) -> None:
        nearest = self._near.rows[row][self._near.similarities[row] >= self._cosine]
        had_turn = self.kept[nearest]
        match = self._most_similar(row, np.unique(had_turn[self._stays[had_turn]]))
        if match is None and self._full[row]:  # whoever stays and is near has it among its own, or too many of them
            others = sorted({*self._reached[row], *self._full_stay.candidates(row)})
            match = self._most_similar(row, np.array(others, dtype=np.int64))
        if match is not None:
            self.kept[row], self.similarities[row] = match
            return
        self._stays[row] = True
        for other in nearest[self._full[nearest]].tolist():
            self._reached[other].append(row)
        if self._full[row]:
            self._full_stay.add(row)

    def _most_similar(self, row: int, others: np.ndarray) -> tuple[int, float] | None:
        cosines = self._vectors[others] @ self._vectors[row]
        for place in np.argsort(-cosines, kind="stable")[: int((cosines >= self._cosine).sum())]:
            if self._say_the_same(row, other := int(others[place])):
                return other, float(cosines[place])
        return None

    def _say_the_same(self, row: int, other: int) -> bool:
        """Whether two rows share most of their words, and where both are long, each sentence that says something."""
        both_long = row in self._sentences and other in self._sentences
        if both_long and says_something(self._sentences[row] - self._sentences[other]):
            return False
        these, those = self._words[row], self._words[other]
        return len(these & those) >= SHARED_WORDS * max(1, len(these | those))
