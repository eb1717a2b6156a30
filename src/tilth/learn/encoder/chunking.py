"""Long texts in chunks: where they begin, and how their vectors are pooled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np


def chunk_starts(length: int, limit: int, most: int) -> list[int]:
    """Where a text of so many tokens is cut into chunks of `limit`; of more than `most`, evenly spaced ones.

    >>> chunk_starts(7, 3, 64), chunk_starts(70, 3, 4), chunk_starts(0, 3, 64)
    ([0, 3, 6], [0, 21, 45, 69], [0])
    """
    starts = range(0, max(length, 1), limit)
    if len(starts) <= most:
        return list(starts)
    return [starts[step * (len(starts) - 1) // max(most - 1, 1)] for step in range(most)]


def chunked(encoded: Iterable[Sequence[int]], limit: int, most: int) -> tuple[list[int], list[list[int]]]:
    """Every text's tokens in chunks of at most `limit`, by `chunk_starts`: each chunk's text, and its tokens.

    >>> chunked([[7, 8, 9], [5]], 2, 64)
    ([0, 0, 1], [[7, 8], [9], [5]])
    """
    owner: list[int] = []
    chunks: list[list[int]] = []
    for position, ids in enumerate(encoded):
        for start in chunk_starts(len(ids), limit, most):
            owner.append(position)
            chunks.append(list(ids[start : start + limit]))
    return owner, chunks


def joined(owner: Sequence[int], chunks: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """The chunks of each text as one piece: each piece's text, and its tokens.

    >>> joined([0, 0, 1], [[7, 8], [9], [5]])
    ([0, 1], [[7, 8, 9], [5]])
    """
    pieces: dict[int, list[int]] = {}
    for text, chunk in zip(owner, chunks, strict=True):
        pieces.setdefault(text, []).extend(chunk)
    return list(pieces), list(pieces.values())


def surrounding(whole: Sequence[int], plain: Sequence[int]) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text, by a text's tokens with and without them.

    >>> surrounding([101, 7, 102], [7])
    ([101], [102])
    """
    start = next((i for i in range(len(whole)) if list(whole[i : i + len(plain)]) == list(plain)), 0)
    return list(whole[:start]), list(whole[start + len(plain) :])


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that rows of like length share a batch and its padded size stays within a budget.

    >>> list(batches([5, 1, 5, 1], budget=10))
    [[1, 3], [0, 2]]
    """
    batch: list[int] = []
    for position in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[position] > budget:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
