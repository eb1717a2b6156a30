"""Quantization-aware training for static INT8: compute as the exported graph will, and let the gradient pass by it.

By PyTorch's own fake quantization (the straight-through estimator, Jacob et al. 2018). torchao's quantization-aware
training knows linear layers and embeddings, and no convolution.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

_STEPS = 64
"""Steps of a weight on either side of 0: seven of eight bits, as `quantize_by_samples` takes them."""
_LEVELS = 255
"""Steps of an activation between the least and the largest of a batch."""


class _RoundedWeight(nn.Module):
    """Rounds a weight to its output channel's grid, as symmetric as the export has it.

    A normalization behind the layer, which the export takes into the weight, scales whole channels: the grid is the
    same before and after it.
    """

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The same shape, rounded."""
        scale = weight.detach().flatten(1).abs().amax(1).clamp(min=1e-8) / _STEPS
        zeros = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
        return torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -_STEPS, _STEPS)


@contextlib.contextmanager
def int8_products(module: nn.Module) -> Iterator[None]:
    """Within the block convolutions and linear layers compute with weights and inputs of eight bits.

    Afterwards the weights are those that were trained below the rounding; the export rounds them again.
    """
    found = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_pre_hook(_rounded_input) for layer in found]
    for layer in found:
        parametrize.register_parametrization(layer, "weight", _RoundedWeight())
    try:
        yield
    finally:
        for layer in found:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
        for hook in hooks:
            hook.remove()


def _rounded_input(layer: nn.Module, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A layer's input, rounded to a grid from its least to its largest value, with 0 on it."""
    del layer
    low, high = values[0].detach().aminmax()
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = ((high - low) / _LEVELS).clamp(min=1e-8).float()
    zero = (-low / scale).round().to(torch.int32)
    return (torch.fake_quantize_per_tensor_affine(values[0], scale, zero, 0, _LEVELS), *values[1:])
