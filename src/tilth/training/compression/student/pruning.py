"""Leave out the attention heads and feed-forward channels that matter least, so that the matrices are smaller.

How much an output would change without a channel is estimated to the first order (Molchanov et al. 2019; of heads,
Michel et al. 2019): the sum of weight times gradient over the columns that read it, which is the loss's derivative by a
gate on the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from tilth.training.compression.student.student import layers_of

_ROUND = 16
"""Channels are kept in multiples of this: what a vector register holds."""


@dataclass(frozen=True)
class _Attention:
    """The parts of a layer's attention; the heads' columns of `output` follow each other."""

    module: nn.Module
    inputs: tuple[str, ...]
    owner: nn.Module
    output: str

    @property
    def heads(self) -> int:
        return int(self.module.num_attention_heads)

    @property
    def columns(self) -> torch.Tensor:
        weight: torch.Tensor = getattr(self.owner, self.output).weight
        return weight


def prune(
    trunk: nn.Module, *, heads: float, channels: float, losses: Callable[[], Iterable[torch.Tensor]]
) -> dict[str, int | str]:
    """Keep a share of each layer's heads and channels, in place.

    Args:
        trunk: as `tilth.learn.encoder.Trunk`.
        heads: share that is kept, 0 to 1; at least one a layer is.
        channels: share of the feed-forward channels that is kept.
        losses: the losses of some batches under the trunk as it is, by which importance is measured.

    Returns:
        How many of each are kept a layer, or why none could be left out.
    """
    if heads >= 1 and channels >= 1:
        return {}
    attentions = [_attention(layer) if heads < 1 else None for layer in layers_of(trunk)]
    forwards = [_feed_forward(layer) if channels < 1 else None for layer in layers_of(trunk)]
    head_sums = [torch.zeros(found.heads) if found else None for found in attentions]
    channel_sums = [torch.zeros(found[1].weight.shape[1]) if found else None for found in forwards]
    for loss in losses():
        trunk.zero_grad()
        loss.backward()
        for found, sums in zip(attentions, head_sums, strict=True):
            if found is not None and sums is not None:
                sums.add_(_gates(found.columns).reshape(found.heads, -1).sum(1).abs())
        for pair, sums in zip(forwards, channel_sums, strict=True):
            if pair is not None and sums is not None:
                sums.add_(_gates(pair[1].weight).abs())
    trunk.zero_grad()
    kept: dict[str, int | str] = {}
    for found, sums in zip(attentions, head_sums, strict=True):
        if found is not None and sums is not None:
            kept["heads"] = _keep_heads(found, _best(sums, max(round(heads * len(sums)), 1)))
        elif heads < 1:
            kept["heads"] = "all: this encoder's attention is of no kind that can be cut"
    for pair, sums in zip(forwards, channel_sums, strict=True):
        if pair is not None and sums is not None:
            count = max(round(channels * len(sums) / _ROUND), 1) * _ROUND
            kept["channels"] = _keep_channels(*pair, _best(sums, min(count, len(sums))))
        elif channels < 1:
            kept["channels"] = "all: this encoder's layers are of no kind that can be cut"
    return kept


def _gates(weight: torch.Tensor) -> torch.Tensor:
    """The loss's derivative by a gate on each column of a weight that reads it."""
    assert weight.grad is not None  # its loss was just taken back
    return (weight.detach() * weight.grad).sum(0).cpu()


def _best(importance: torch.Tensor, count: int) -> torch.Tensor:
    return torch.sort(torch.argsort(importance, descending=True, stable=True)[:count]).values


def _attention(layer: nn.Module) -> _Attention | None:
    """That of BERT and what is built like it (RoBERTa, XLM-R, ELECTRA)."""
    attention = getattr(layer, "attention", None)
    inner, outer = getattr(attention, "self", None), getattr(attention, "output", None)
    names = ("query", "key", "value")
    if inner is None or outer is None or not all(isinstance(getattr(inner, name, None), nn.Linear) for name in names):
        return None
    return _Attention(inner, names, outer, "dense")


def _feed_forward(layer: nn.Module) -> tuple[nn.Linear, nn.Linear] | None:
    """The two products of BERT and what is built like it."""
    first = getattr(getattr(layer, "intermediate", None), "dense", None)
    second = getattr(getattr(layer, "output", None), "dense", None)
    return (first, second) if isinstance(first, nn.Linear) and isinstance(second, nn.Linear) else None


def _keep_heads(found: _Attention, heads: torch.Tensor) -> int:
    width = found.columns.shape[1] // found.heads
    places = (heads[:, None] * width + torch.arange(width)).flatten()
    for name in found.inputs:
        setattr(found.module, name, _sliced(getattr(found.module, name), rows=places))
    setattr(found.owner, found.output, _sliced(getattr(found.owner, found.output), columns=places))
    found.module.num_attention_heads, found.module.all_head_size = len(heads), len(places)
    return len(heads)


def _keep_channels(first: nn.Linear, second: nn.Linear, channels: torch.Tensor) -> int:
    for layer, new in ((first, _sliced(first, rows=channels)), (second, _sliced(second, columns=channels))):
        layer.weight, layer.bias = new.weight, new.bias
        layer.in_features, layer.out_features = new.in_features, new.out_features
    return len(channels)


def _sliced(layer: nn.Linear, *, rows: torch.Tensor | None = None, columns: torch.Tensor | None = None) -> nn.Linear:
    """A new layer with some of the outputs or of the inputs."""
    weight = layer.weight.detach()
    bias = layer.bias.detach() if layer.bias is not None else None
    if rows is not None:
        weight, bias = weight[rows], bias[rows] if bias is not None else None
    if columns is not None:
        weight = weight[:, columns]
    new = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        new.weight.copy_(weight)
        if bias is not None:
            new.bias.copy_(bias)
    return new
