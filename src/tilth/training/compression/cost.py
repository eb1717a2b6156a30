"""What a shape would weigh and how fast it would be, before it is made: the search goes by it, no clock decides.

The size is counted. The speed is a model of one, so that the same night gives the same model on any machine: fitted to
what `benchmarks/compression.py` clocked of MiniLM in int8 on AVX-512 with INT8 instructions (six layers: 3.6 times the
throughput at batch 1, 3.2 at batch 32; three: 5.3 and 5.9; with 70% of the channels 6.0 and 6.4). What was made in full
is clocked, and reported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from tilth.training.compression.full_model import FullModel
from tilth.training.compression.student import Shape

_LAYER = {1: 0.18, 32: 0.28}
"""Time of an int8 layer for a float layer's, by batch."""
_FLOAT = {1: 0.42, 32: 0.76}
"""The same of a float layer in ONNX Runtime."""
_FIXED = 0.25
"""Share of a layer's time that does not go with the width of its products: norms, softmax, rounding."""
_GRAPHS, _PROTOTYPES = 60_000, 10
"""Bytes of the graphs and the settings, and prototypes of a class."""
_DEFLATED = {4: 0.96, 8: 0.82, 32: 0.5}
"""What a weight takes of its bits, with its codebook or scale, by bits; float is written in 16."""
_PLAIN = 0.7
"""What is left of a published `tokenizer.json` when it is written without spaces."""
_BASE = {1: 0.09, 32: 0.035}
"""Of the full model's time, by batch: what comes before and after the layers."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The full model's measures, by which shapes are weighed.

    Attributes:
        layers, width, channels: of the encoder.
        pieces: of its vocabulary.
        kept_pieces: after the cut.
        positions: rows of its other tables.
        tokenizer_bytes: of the whole `tokenizer.json`.
        other_bytes: heads, wording, settings, the graph itself, and the model of pictures.
    """

    layers: int
    width: int
    channels: int
    pieces: int
    kept_pieces: int
    positions: int
    tokenizer_bytes: int
    other_bytes: int

    def megabytes(self, shape: Shape) -> float:
        """Of all files that are read, in 10^6 bytes."""
        pieces = self.kept_pieces if shape.cut_vocabulary else self.pieces
        tables = (pieces + self.positions) * self.width
        products = len(shape.layers) * self._products(shape)
        if not shape.meaning:
            tables = products = 0
        weights = (tables + products) * shape.bits / 8 * _DEFLATED[shape.bits]
        return (weights + self.tokenizer_bytes * pieces / self.pieces + self.other_bytes) / 1e6

    def throughput(self, shape: Shape, batch: int = 32) -> float:
        """Texts a second for one of the full float model in eager PyTorch, on one thread."""
        near = 1 if batch < 8 else 32
        if not shape.meaning or not shape.layers:
            return 1 / _BASE[near]
        one = (_FLOAT if shape.bits == 32 else _LAYER)[near]
        width = self._products(shape) / self._products(Shape(layers=()))
        return 1 / (_BASE[near] + len(shape.layers) / self.layers * one * (_FIXED + (1 - _FIXED) * width))

    def slowest(self, shape: Shape) -> float:
        """The smaller of the throughputs at batch 1 and 32."""
        return min(self.throughput(shape, batch) for batch in (1, 32))

    def _products(self, shape: Shape) -> float:
        """Weights of a layer."""
        return 4 * self.width**2 * shape.heads + 2 * self.width * self.channels * shape.channels


def costs_of(full: FullModel) -> Costs:
    """What the shapes of a night's model are weighed by."""
    width, channels, positions = _settings((full.source / "config.json").read_text(encoding="utf-8"))
    pieces = int(full.trunk.model.get_input_embeddings().num_embeddings)
    tokenizer = full.source / "tokenizer.json"
    classes = sum(len(head.task.labels) for head in full.heads)
    other = full.other_bytes + _GRAPHS + classes * (2 * width + _PROTOTYPES * width)
    if full.wording.packed is not None:
        path = full.scratch / "wording.npz"
        full.wording.packed.save(path)
        other += path.stat().st_size
        path.unlink()
    return Costs(
        layers=full.layers,
        width=width,
        channels=channels,
        pieces=pieces,
        kept_pieces=len(full.vocabulary.kept) if full.vocabulary is not None else pieces,
        positions=positions,
        tokenizer_bytes=int(tokenizer.stat().st_size * _PLAIN) if tokenizer.exists() else 40 * pieces,
        other_bytes=other,
    )


def _settings(config: str) -> tuple[int, int, int]:
    """Width, feed-forward channels and positions, from the text of a `config.json`."""
    found = json.loads(config)
    width = int(found.get("hidden_size") or found.get("dim") or 0)
    channels = int(found.get("intermediate_size") or found.get("hidden_dim") or 4 * width)
    return width, channels, int(found.get("max_position_embeddings") or 0)
