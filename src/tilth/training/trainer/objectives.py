"""What fine-tuning makes smaller, and which rows each of its steps takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import nn

from tilth.training.trainer.batches import plan_batches

Plan: TypeAlias = Callable[[Sequence[int], int, int, torch.Generator], list[list[int]]]
"""Lengths of the rows, rows of a batch, steps and a generator to the rows of each step."""
Loss: TypeAlias = Callable[
    [torch.Tensor, Sequence[torch.Tensor], Sequence[torch.Tensor], Sequence[torch.Tensor]], torch.Tensor
]
"""Vectors, and each task's logits, classes (−1 for none) and weights (0 where there is no class) to one number."""


@dataclass(frozen=True)
class Objective:
    """How rows are drawn, and what is made smaller by them."""

    plan: Plan
    loss: Loss


def cross_entropy(
    vectors: torch.Tensor,
    logits: Sequence[torch.Tensor],
    codes: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor],
) -> torch.Tensor:
    """The sum over tasks of the weighted mean cross-entropy; a row without a class of one task counts in the others."""
    total = logits[0].sum() * 0
    for values, classes, weight in zip(logits, codes, weights, strict=True):
        losses = nn.functional.cross_entropy(values.float(), classes.clamp(min=0), reduction="none")
        total = total + (losses * weight).sum() / weight.sum().clamp(min=1e-6)
    return total


CLASSIFY = Objective(plan_batches, cross_entropy)
