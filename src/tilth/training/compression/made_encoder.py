"""An encoder that is ready to be packed: the full one with its pieces cut or whole, or none at all.

A cut vocabulary has every word of the rows that it was cut for, and so of the held-out ones; of the texts of tomorrow
it lacks some, and by those, too, a smaller model loses points. Each held-out text is therefore read without the pieces
that no other text has, by a tokenizer that gives the ids of the exported one: one graph serves both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tilth.training.compression.full_model import FullModel, SmallerModel
from tilth.training.compression.student import Shape, no_encoder
from tilth.training.compression.weights import cut_embeddings
from tilth.training.export import Predictor, SharedWeights, TrunkGraphs
from tilth.training.heads import Head

_CUT = ("float32.onnx", "int8.onnx", "tokenizer")
"""What is made of the full encoder's where its vocabulary is cut."""


@dataclass(frozen=True, kw_only=True)
class MadeEncoder:
    """An encoder that is ready to be packed.

    Attributes:
        model: as of `Candidate`.
        held_heads: heads that were fitted without the held-out rows, where the model has its own.
        graph: the float graph.
        tokenizer: the folder of its tokenizer.
        left_out: that of the tokenizer by which its points are counted, as of `Vocabulary`; None where all pieces stay.
        facts: how it was made.
        rounded: where its graph in int8 is kept, for shapes that differ in their bits alone.
        shared: the weights of its products in four bits, where it has some.
    """

    model: SmallerModel | None
    graph: Path
    tokenizer: Path
    facts: Mapping[str, Any]
    held_heads: Sequence[Head] = ()
    left_out: Path | None = None
    rounded: Path | None = None
    shared: Mapping[str, SharedWeights] = field(default_factory=dict)

    def reader(self, folder: Path) -> Predictor:
        """Its model folder as it will read further texts, for those of the night.

        Args:
            folder: as the encoder was written to.
        """
        return Predictor(folder, tokenizer=self.left_out / "tokenizer.json" if self.left_out is not None else None)


def left_out_tokenizer(full: FullModel, shape: Shape, folder: Path) -> Path | None:
    """The folder of a shape's tokenizer that leaves each text out; None where the shape keeps all pieces.

    Args:
        full: the night's model.
        shape: with the vocabulary cut or whole.
        folder: where it is written, in a folder of its own.
    """
    if not shape.cut_vocabulary or full.vocabulary is None:
        return None
    full.vocabulary.write(full.source, folder / "left_out", left_out=True)
    return folder / "left_out"


def undistilled(full: FullModel, shape: Shape) -> MadeEncoder:
    """The full encoder's graphs, with the pieces that are needed; made once, whatever the bits."""
    graph, rounded, tokenizer = full.graphs.get("float32"), full.rounded, full.source
    vocabulary = full.vocabulary if shape.cut_vocabulary else None
    folder = full.scratch / ("uncut" if vocabulary is None else "cut")
    folder.mkdir(exist_ok=True)
    if vocabulary is not None:
        whole, graph, rounded, tokenizer = (graph, rounded), *(folder / name for name in _CUT)
        if not graph.exists():
            vocabulary.write(full.source, tokenizer)
            for source, target in zip(whole, (graph, rounded), strict=True):
                cut_embeddings(source, target, vocabulary)
    left_out, shared = left_out_tokenizer(full, shape, folder), full.shared_products if shape.bits == 4 else {}
    return MadeEncoder(
        model=None, graph=graph, tokenizer=tokenizer, facts={}, left_out=left_out, rounded=rounded, shared=shared
    )


def wording_alone(full: FullModel, folder: Path) -> MadeEncoder:
    """No encoder: every text has the same vector of one dimension, by which every class is as likely."""
    tokenizer = full.source
    if full.vocabulary is not None:
        tokenizer = folder / "tokenizer"
        full.vocabulary.write(full.source, tokenizer)
    trunk, heads = no_encoder(full.tasks, tokenizer)
    model = SmallerModel(
        heads=heads,
        embeddings=lambda: np.ones((len(full.texts), 1), dtype=np.float32),
        trunk=trunk,
        losses=(),
        held_out={
            head.task.name: head.probabilities(np.ones((int(full.measured[head.task.name].sum()), 1), np.float32))
            for head in heads
        },
        wording=full.wording_alone,
    )
    graph = TrunkGraphs(folder / "graphs", lambda: trunk).get("float32")
    return MadeEncoder(model=model, held_heads=heads, graph=graph, tokenizer=tokenizer, facts={})
