from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tilth.learn.encoder.attention import block_vectors
from tilth.learn.encoder.attention.block_attention import block_attention, summaries


@pytest.mark.parametrize("tokens", [9, 10, 11, 12])
@pytest.mark.parametrize("around", [(1, 1), (0, 0), (1, 0)])
def test_it_is_attention_under_a_mask(tokens: int, around: tuple[int, int]) -> None:
    """Text in blocks of 3, whole or not, with some pairs of blocks, beside PyTorch's kernel with a dense mask."""
    queries, keys, values = torch.randn(3, 2, tokens, 4, generator=torch.Generator().manual_seed(tokens))
    text = tokens - sum(around)
    blocks = -(-text // 3)
    seen = torch.eye(blocks, dtype=torch.bool)
    seen[:, 0] = True
    seen[1, -1] = True
    dense = torch.ones(tokens, tokens, dtype=torch.bool)
    end = tokens - around[1]
    dense[around[0] : end, around[0] : end] = seen.repeat_interleave(3, 0).repeat_interleave(3, 1)[:text, :text]
    found = block_attention(queries, keys, values, seen, block=3, around=around, scale=0.7)
    expected = scaled_dot_product_attention(queries[None], keys[None], values[None], attn_mask=dense, scale=0.7)[0]
    assert torch.allclose(found, expected, atol=1e-5)


def test_it_can_be_trained_through() -> None:
    states = torch.randn(2, 8, 4, requires_grad=True)
    block_attention(states, states, states, torch.eye(2).bool(), block=3, around=(1, 1), scale=1.0).sum().backward()
    assert states.grad is not None
    assert (states.grad != 0).any(dim=2).all()


def test_means_of_blocks_by_hand() -> None:
    states = torch.tensor([[[1.0], [3.0], [5.0]]])
    assert summaries(states, 2).flatten().tolist() == [2.0, 5.0]
    assert summaries(states, 4).flatten().tolist() == [3.0]
    found = block_vectors(torch.tensor([[3.0, 0.0], [3.0, 8.0], [0.0, 2.0]]), 2)
    assert found == pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]]))


def test_its_answer_lies_as_a_model_reads_on_so_that_nothing_is_copied() -> None:
    """A projection lays a token's heads side by side; the next one reads them so."""
    projected = torch.randn(8, 2, 4)
    states = projected.transpose(0, 1)
    found = block_attention(states, states, states, torch.ones(2, 2).bool(), block=3, around=(1, 1), scale=1.0)
    assert found.shape == (2, 8, 4)
    assert found.transpose(0, 1).is_contiguous()
