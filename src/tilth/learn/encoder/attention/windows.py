"""Which blocks of a long text see which: windows of one width, or of widths that the text's meaning sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch

BLOCK = 64
"""Tokens of a block: the products of a block with its window fill a processor's vector units, and a sentence or two
stand in it."""

_NARROW = 1  # blocks to either side that see a block in any case

Rule: TypeAlias = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
"""Mean queries and mean keys of the blocks, shape (heads, blocks, size), queries scaled, and the mean width of a window
in blocks; which blocks see which, bool, shape (blocks that see, blocks that are seen)."""


def relevance(queries: torch.Tensor, keys: torch.Tensor) -> np.ndarray:
    """How much of the attention of further blocks each block would draw, by block summaries; shape (blocks,).

    A softmax over the blocks beyond the narrow window, as in attention itself, but of means: blocks x blocks products
    in place of tokens x tokens. The mean over heads and over the blocks that look.

    Args:
        queries: mean queries of the blocks, scaled, shape (heads, blocks, size).
        keys: mean keys of the blocks, of the same shape.
    """
    blocks = keys.shape[1]
    if blocks <= 2 * _NARROW + 1:
        return np.full(blocks, 1 / blocks)
    logits = queries.float() @ keys.float().transpose(1, 2)
    near = _distances(blocks, keys.device) <= _NARROW
    shares = torch.softmax(logits.masked_fill(near, float("-inf")), dim=-1)
    found: np.ndarray = shares.mean(dim=(0, 1)).detach().cpu().double().numpy()
    return found


def reaches(relevant: np.ndarray, width: int) -> np.ndarray:
    """From how many blocks away each block is seen, int64, shape (blocks,).

    Every block is seen by its neighbors; what the budget leaves goes to the blocks that are more relevant than the
    median, by how much they are. The widths, 2 x reach + 1, sum to blocks x width at most.

    >>> reaches(np.array([0.1, 0.1, 0.5, 0.1, 0.1, 0.1]), width=5).tolist()
    [1, 1, 5, 1, 1, 1]
    >>> reaches(np.full(6, 1 / 6), width=5).tolist()
    [2, 2, 2, 2, 2, 2]
    """
    blocks = len(relevant)
    left = blocks * max(width - 2 * _NARROW - 1, 0) // 2
    found = np.full(blocks, _NARROW, dtype=np.int64)
    above = np.maximum(relevant - np.median(relevant), 0.0)
    if above.sum() <= 1e-9:  # nothing stands out
        return np.minimum(found + left // blocks, blocks - 1)
    found += np.floor(left * above / above.sum()).astype(np.int64)
    return np.minimum(found, blocks - 1)


def dynamic(queries: torch.Tensor, keys: torch.Tensor, width: int) -> torch.Tensor:
    """A block that others find relevant is seen from further away, a dull stretch by its neighbors alone."""
    reach = torch.from_numpy(reaches(relevance(queries, keys), width)).to(keys.device)
    return _distances(keys.shape[1], keys.device) <= reach


def fixed(queries: torch.Tensor, keys: torch.Tensor, width: int) -> torch.Tensor:
    """The same window for every block (Beltagy et al. 2020, Longformer), to measure the other rule against."""
    return _distances(keys.shape[1], keys.device) <= (width - 1) // 2


RULES: dict[str, Rule] = {"dynamic": dynamic, "fixed": fixed}


def _distances(blocks: int, device: torch.device) -> torch.Tensor:
    places = torch.arange(blocks, device=device)
    return (places[:, None] - places[None, :]).abs()
