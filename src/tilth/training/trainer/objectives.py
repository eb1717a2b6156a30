"""What fine-tuning makes smaller, and which rows each of its steps takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from tilth.training.trainer.batches import plan_batches

_TEMPERATURE = 0.1
"""Of the contrast: the paper's best for vectors of length 1."""
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


def contrastive(codes: np.ndarray) -> Objective:
    """Rows of one class drawn together, those of others pushed apart (Khosla et al. 2020): a start for few labels.

    Args:
        codes: classes of the trained rows by which pairs are drawn, −1 for none, shape (trained rows,).
    """
    return Objective(Pairs(codes), supervised_contrast)


@dataclass(frozen=True)
class Pairs:
    """Batches of pairs of like rows, of as many classes as fit, all classes in turn.

    The only row of a class is its own pair, which dropout makes two of (Gao et al. 2021).
    """

    codes: np.ndarray

    def __call__(
        self, lengths: Sequence[int], batch_size: int, steps: int, generator: torch.Generator
    ) -> list[list[int]]:
        """The rows of each step, whatever their lengths."""
        del lengths
        members = [np.flatnonzero(self.codes == code) for code in np.unique(self.codes[self.codes >= 0])]
        waiting: list[int] = []
        plan = []
        for _ in range(steps):
            batch: list[int] = []
            for _ in range(max(batch_size // 2, 2)):
                if not waiting:
                    waiting = torch.randperm(len(members), generator=generator).tolist()
                rows = members[waiting.pop()]
                drawn = torch.randperm(len(rows), generator=generator)[:2].tolist()
                batch += [int(rows[place]) for place in (drawn[0], drawn[-1])]
            plan.append(batch)
        return plan


def supervised_contrast(
    vectors: torch.Tensor,
    logits: Sequence[torch.Tensor],
    codes: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor],
) -> torch.Tensor:
    """The supervised contrastive loss (Khosla et al. 2020, L_out), summed over tasks, and what `cross_entropy` gives.

    The cross-entropy teaches the linear layers, by which held-out rows are measured.
    """
    total = cross_entropy(vectors, logits, codes, weights)
    cosines = vectors @ vectors.T / _TEMPERATURE
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    for classes, weight in zip(codes, weights, strict=True):
        alike = (classes[:, None] == classes) & ~itself & (classes >= 0)[:, None]
        log_shares = cosines - torch.logsumexp(cosines.masked_fill(itself, -torch.inf), dim=1, keepdim=True)
        each = -(log_shares * alike).sum(1) / alike.sum(1).clamp(min=1)
        paired = weight * alike.any(1)
        total = total + (each * paired).sum() / paired.sum().clamp(min=1e-6)
    return total
