"""Steps down a loss, alike wherever a model is trained without accelerate: AdamW on clipped gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn


class Descent:
    """AdamW (Loshchilov and Hutter 2019) on gradients of norm 1 at most.

    Args:
        parts: parameters and the largest learning rate of each part.
        share: of the largest rates at a step, counted from 0.
        weight_decay: of all of them.
        clipped: whose gradients are clipped together; None clips all.
    """

    def __init__(
        self,
        parts: Sequence[tuple[Iterable[nn.Parameter], float]],
        share: Callable[[int], float],
        *,
        weight_decay: float = 0.01,
        clipped: Iterable[nn.Parameter] | None = None,
    ) -> None:
        kept = [(list(parameters), most) for parameters, most in parts]
        groups = [{"params": parameters, "lr": most} for parameters, most in kept]
        self._most, self._share = [most for _, most in kept], share
        self._optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)
        self._clipped = [p for parameters, _ in kept for p in parameters] if clipped is None else list(clipped)
        self.losses: list[float] = []

    def step(self, loss: torch.Tensor) -> float:
        """Takes one step, and gives the loss as a number; `losses` keeps it.

        Raises:
            FloatingPointError: it is not a finite number; no step is taken.
        """
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss of step {len(self.losses) + 1} is not a finite number ({value})")
        for group, most in zip(self._optimizer.param_groups, self._most, strict=True):
            group["lr"] = most * self._share(len(self.losses))
        loss.backward()
        nn.utils.clip_grad_norm_(self._clipped, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.losses.append(value)
        return value
