from __future__ import annotations

import numpy as np
import pytest
import torch

from tilth.learn.encoder.attention.windows import dynamic, fixed, reaches, relevance


def test_relevance_by_hand() -> None:
    # One head of size 1; every block asks with 1, and the keys are 0 but for log 2 in block 0. Of five blocks, block 4
    # looks at 0, 1 and 2: shares 1/2, 1/4, 1/4. Block 3 at 0 and 1, block 2 at 0 and 4, blocks 1 and 0 never at 0.
    keys = torch.tensor([np.log(2), 0, 0, 0, 0]).reshape(1, 5, 1)
    found = relevance(torch.ones(1, 5, 1), keys)
    assert found[0] == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 5)
    assert found.sum() == pytest.approx(1)


def test_few_blocks_all_see_each_other_and_are_equally_relevant() -> None:
    assert relevance(torch.ones(2, 2, 4), torch.ones(2, 2, 4)).tolist() == [0.5, 0.5]
    assert dynamic(torch.ones(2, 2, 4), torch.ones(2, 2, 4), 5).all()


@pytest.mark.parametrize("blocks", [1, 2, 7, 40])
def test_widths_keep_their_budget_and_their_least(blocks: int) -> None:
    for seed in range(5):
        reach = reaches(np.random.default_rng(seed).dirichlet(np.full(blocks, 0.3)), width=5)
        assert (2 * reach + 1).sum() <= 5 * blocks
        assert (reach >= min(1, blocks - 1)).all()


def test_a_relevant_block_is_seen_from_afar_and_the_rest_by_neighbors() -> None:
    keys = torch.zeros(1, 9, 1)
    keys[0, 4] = 5.0
    seen = dynamic(torch.ones(1, 9, 1), keys, 5)
    assert seen[:, 4].all()
    assert seen[:, 0].tolist() == [True, True] + [False] * 7


def test_layers_of_other_meaning_have_other_windows() -> None:
    one, other = torch.zeros(1, 9, 1), torch.zeros(1, 9, 1)
    one[0, 2], other[0, 6] = 5.0, 5.0
    assert not torch.equal(dynamic(torch.ones(1, 9, 1), one, 5), dynamic(torch.ones(1, 9, 1), other, 5))


def test_the_fixed_window_is_of_one_width() -> None:
    assert fixed(torch.ones(1, 6, 1), torch.ones(1, 6, 1), 3).sum(dim=1).tolist() == [2, 3, 3, 3, 3, 2]
