"""Quantization-aware training: compute with the weights that will stand on disk, and let the gradient pass by them.

The straight-through estimator (Bengio et al. 2013) on k-means codebooks. torchao's QAT rounds to a linear grid, and
what is written here is another thing: a weight is one of the sixteen values of its group.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils import parametrize

from tilth.training.compression.weights.graph_packing import CHANNELS, PIECES, SMALL
from tilth.training.compression.weights.weight_sharing import share_weights

_STEPS = 64
"""Steps of an int8 weight on either side of 0: seven of eight bits, as the export takes them."""


class _Shared(nn.Module):
    """Replaces each weight by the nearest value of its group's codebook.

    Args:
        weight: shape (slices, weights of a slice).
        group: slices that share a codebook.
        by_channel: whether each slice is scaled by its largest weight first, as int8 products have it.
    """

    def __init__(self, weight: torch.Tensor, group: int, *, by_channel: bool) -> None:
        super().__init__()
        values = weight.detach().float()
        scale = values.abs().amax(1, keepdim=True).clamp(min=1e-8) / _STEPS if by_channel else torch.ones(1, 1)
        rounded = (values / scale).round().to(torch.int8) if by_channel else values
        books = torch.from_numpy(share_weights(rounded.cpu().numpy(), axis=0, group=group).codebooks.astype("float32"))
        books = books.sort(dim=1).values
        owner = torch.arange(len(values)) // group
        self.register_buffer("scale", scale)
        self.register_buffer("books", books[owner])
        self.register_buffer("borders", ((books[:, 1:] + books[:, :-1]) / 2)[owner])

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        values = weight.detach() / self.scale
        codes = torch.zeros(values.shape, dtype=torch.int64, device=values.device)
        for border in range(self.borders.shape[1]):
            codes += values > self.borders[:, border : border + 1]
        return weight + (torch.gather(self.books, 1, codes) * self.scale - weight).detach()


@contextlib.contextmanager
def shared_weights(trunk: nn.Module) -> Iterator[None]:
    """Within the block the products and embeddings of a module compute with weights of four bits.

    Afterwards its weights are those that were trained below the rounding; packing them rounds them again.
    """
    found: list[nn.Module] = []
    for module in [*trunk.modules()]:
        if not isinstance(module, nn.Linear | nn.Embedding) or module.weight.numel() < SMALL:
            continue
        linear = isinstance(module, nn.Linear)
        shared = _Shared(module.weight, CHANNELS if linear else PIECES, by_channel=linear).to(module.weight.device)
        parametrize.register_parametrization(module, "weight", shared)
        found.append(module)
    try:
        yield
    finally:
        for module in found:
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
