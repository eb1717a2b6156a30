"""Which rows each step of fine-tuning takes, and at which learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

_POOL = 8
"""Batches within which rows are sorted by length: little is padded, and what a batch holds stays near random."""


@dataclass(frozen=True, kw_only=True)
class TuningRows:
    """The rows that the encoder is fine-tuned on.

    Attributes:
        texts: the rows' texts.
        codes: for each task, each row's class, −1 where it has none, shape (rows,).
        weights: for each task, each row's weight, shape (rows,).
        measured: boolean, shape (rows,): rows that are never trained on; by those that have a class it is known when to
            stop. By default there are none.
    """

    texts: Sequence[str]
    codes: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    measured: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if not len(self.measured):
            object.__setattr__(self, "measured", np.zeros(len(self.texts), dtype=bool))

    def at(self, places: np.ndarray) -> TuningRows:
        """The rows at these places."""
        return TuningRows(
            texts=[self.texts[place] for place in places.tolist()],
            codes={task: codes[places] for task, codes in self.codes.items()},
            weights={task: weights[places] for task, weights in self.weights.items()},
            measured=self.measured[places],
        )


def plan_batches(lengths: Sequence[int], batch_size: int, steps: int, generator: torch.Generator) -> list[list[int]]:
    """The rows of each step: shuffled, sorted by length within pools of batches, the batches shuffled again."""
    plan: list[list[int]] = []
    while len(plan) < steps:
        order = torch.randperm(len(lengths), generator=generator).tolist()
        batches = []
        for start in range(0, len(order), batch_size * _POOL):
            rows = sorted(order[start : start + batch_size * _POOL], key=lambda row: lengths[row])
            batches += [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        plan += [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
    return plan[:steps]


def rate(steps: int, warmup: float) -> Callable[[int], float]:
    """The share of the largest learning rate at each step: a linear rise, then a linear fall to 0."""
    rising = max(1, math.ceil(steps * warmup))
    return lambda step: min((step + 1) / rising, max(0.0, (steps - step) / max(1, steps - rising)))
