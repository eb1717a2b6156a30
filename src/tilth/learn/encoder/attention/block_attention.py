"""Attention of blocks to the blocks that they see, through PyTorch's own kernel on gathered keys."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn.functional import normalize, scaled_dot_product_attention

_AT_ONCE = 8192  # gathered key tokens of one call: the copies stay in the processor's cache, and memory stays bounded


def summaries(states: torch.Tensor, block: int) -> torch.Tensor:
    """Means of blocks of tokens, the last maybe shorter: (heads, tokens, size) to (heads, blocks, size)."""
    heads, tokens, size = states.shape
    whole = tokens // block * block
    means = states[:, :whole].reshape(heads, -1, block, size).mean(dim=2)
    return means if whole == tokens else torch.cat([means, states[:, whole:].mean(dim=1, keepdim=True)], dim=1)


def block_vectors(states: torch.Tensor, block: int) -> np.ndarray:
    """L2-normalized means of blocks of tokens, float32, shape (blocks, dimensions).

    Args:
        states: of one text's tokens without its special ones, shape (tokens, dimensions).
        block: tokens of a block; the last may be shorter.
    """
    vectors: np.ndarray = normalize(summaries(states.float()[None], block)[0], dim=1).numpy()
    return vectors


def block_attention(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    seen: torch.Tensor,
    *,
    block: int,
    around: tuple[int, int],
    scale: float,
) -> torch.Tensor:
    """Each block's tokens attend to the blocks that theirs sees, and to the global tokens; these attend to all.

    The work grows with the pairs of blocks that see each other, not with the square of the tokens: blocks that see the
    same number of blocks are one call, so that nothing is padded but the text's last block.

    Args:
        queries: of one text's tokens, shape (heads, tokens, size).
        keys: of the same shape.
        values: of the same shape.
        seen: bool, shape (blocks, blocks); each sees one at least.
        block: tokens of a block.
        around: how many tokens before and after the text are global, such as [CLS] and [SEP].
        scale: of the products of queries and keys.
    """
    first, tokens = around[0], queries.shape[1]
    end = tokens - around[1]
    inside, places = torch.arange(block, device=queries.device), torch.arange(tokens, device=queries.device)
    everywhere = torch.cat([places[:first], places[end:]])
    # Gathered by token with all heads together, as a model's projections lay them: nothing is copied but what is seen.
    by_token = [states.transpose(0, 1).contiguous() for states in (queries, keys, values)]
    mixed = torch.empty_like(by_token[0])
    for rows, columns in _alike(seen, block):
        asking = (first + rows[:, None] * block + inside).clamp(max=end)
        others = (first + columns[:, :, None] * block + inside).flatten(1)
        outside = others >= end
        found = torch.cat([others.masked_fill(outside, first), everywhere.expand(len(rows), -1)], dim=1)
        mask = None
        if bool(outside.any()):
            mask = ~torch.cat([outside, outside.new_zeros(len(rows), len(everywhere))], dim=1)[:, None, None]
        there = asking < end
        states = scaled_dot_product_attention(
            _gathered(by_token[0], asking.clamp(max=tokens - 1)),
            _gathered(by_token[1], found),
            _gathered(by_token[2], found),
            attn_mask=mask,
            scale=scale,
        )
        mixed[asking[there]] = states.transpose(1, 2)[there]
    if len(everywhere):
        attended = scaled_dot_product_attention(queries[None, :, everywhere], keys[None], values[None], scale=scale)
        mixed[everywhere] = attended[0].transpose(0, 1)
    return mixed.transpose(0, 1)


def _gathered(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Tokens by place: (tokens, heads, size) and (rows, columns) to (rows, heads, columns, size)."""
    return states.index_select(0, places.flatten()).unflatten(0, places.shape).transpose(1, 2)


def _alike(seen: torch.Tensor, block: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Blocks that see the same number of blocks, and which: shapes (rows,) and (rows, blocks seen)."""
    counts = seen.sum(dim=1)
    for count in counts.unique().tolist():
        for rows in (counts == count).nonzero()[:, 0].split(max(_AT_ONCE // (count * block), 1)):
            yield rows, seen[rows].nonzero()[:, 1].reshape(len(rows), count)
