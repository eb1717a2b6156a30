"""Sets of words that share most of them are all found, and few others are looked at."""

from __future__ import annotations

import numpy as np

from tilth.learn.neighbors.shared_words import SharedWords


def test_a_set_is_found_by_its_rarest_words() -> None:
    """Of 4 words 1 may differ, so that the two rarest decide: row 2 shares the two most frequent with row 0 alone."""
    words = {0: "my line is slow", 1: "my line is dead", 2: "my line fell down", 3: "my line"}
    found = SharedWords({row: frozenset(text.split()) for row, text in words.items()}, 0.7)
    for row in (1, 2, 3):
        found.add(row)
    assert found.candidates(0) == {1}  # by "is"
    found.add(0)
    assert found.candidates(0) == {0, 1}
    assert found.candidates(3) == {3}  # both of its words must be shared: the rarer of them decides


def test_no_set_that_shares_enough_is_missed() -> None:
    rng = np.random.default_rng(0)
    words = {row: frozenset(rng.choice(6, rng.integers(0, 8)).astype(str)) for row in range(200)}
    found, shared = SharedWords(words, 0.7), 0
    for row, one in words.items():
        found.add(row)
        enough = {
            other
            for other, others in words.items()
            if other <= row and len(one & others) >= 0.7 * max(1, len(one | others))
        }
        shared += len(enough)
        assert enough <= found.candidates(row)
    assert shared > 1000
