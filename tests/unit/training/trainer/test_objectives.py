"""What fine-tuning makes smaller, and which rows it draws for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tilth.training.trainer.objectives import contrastive, cross_entropy, supervised_contrast


def test_batches_of_contrast_are_pairs_of_every_class_in_turn() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2, -1])
    plan = contrastive(codes).plan([5] * 7, 4, 6, torch.Generator().manual_seed(0))
    assert [len(batch) for batch in plan] == [4] * 6
    pairs = [batch[place : place + 2] for batch in plan for place in (0, 2)]
    assert all(codes[first] == codes[second] >= 0 for first, second in pairs)
    assert {first == second for first, second in pairs if codes[first] != 2} == {False}
    assert sorted(codes[first] for first, _ in pairs) == [0] * 4 + [1] * 4 + [2] * 4


def test_losses_of_tasks_are_weighted_means_that_add_up() -> None:
    """Of two rows the first, of weight 1, is right at three to one; the second, of weight 3, at even odds."""
    logits = [torch.tensor([[math.log(3), 0.0], [0.0, 0.0]]), torch.zeros(2, 4)]
    codes = [torch.tensor([0, 1]), torch.tensor([-1, 2])]  # the first row has no class of the second task
    weights = [torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.2])]
    first, second = (math.log(4 / 3) + 3 * math.log(2)) / 4, math.log(4)
    assert float(cross_entropy(torch.zeros(2, 1), logits, codes, weights)) == pytest.approx(first + second)


def test_the_contrast_is_khoslas() -> None:
    """Four vectors, of which the first two and the last two are alike: each other one is at a right angle."""
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    logits, weights = [torch.zeros(4, 2)], [torch.ones(4)]
    codes = [torch.tensor([0, 0, 1, 1])]
    by_classes = cross_entropy(vectors, logits, codes, weights)
    assert float(by_classes) == pytest.approx(math.log(2))
    each = -math.log(math.exp(10) / (math.exp(10) + 2))  # of three others one is alike, at a cosine of 1 / 0.1
    found = supervised_contrast(vectors, logits, codes, weights)
    assert float(found - by_classes) == pytest.approx(each, abs=1e-6)
    apart = [torch.tensor([0, 1, 0, 1])]
    each = -math.log(1 / (math.exp(10) + 2))
    found = supervised_contrast(vectors, logits, apart, weights) - cross_entropy(vectors, logits, apart, weights)
    assert float(found) == pytest.approx(each, abs=1e-4)


def test_rows_without_a_class_or_of_weight_0_count_for_nothing() -> None:
    vectors = torch.nn.functional.normalize(torch.arange(8.0).reshape(4, 2) + 1, dim=1)
    logits = [torch.zeros(4, 2)]
    some = supervised_contrast(vectors, logits, [torch.tensor([0, 0, -1, -1])], [torch.tensor([1.0, 1.0, 0.0, 0.0])])
    assert math.isfinite(float(some))
    none = supervised_contrast(vectors, logits, [torch.full((4,), -1)], [torch.zeros(4)])
    assert float(none) == 0.0
