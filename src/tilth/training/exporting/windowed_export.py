"""What leaves a night whose encoder chooses its windows while it reads: weights that torch runs, and no graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilth.stage import Resources
from tilth.training.fitting import FittedModel, encoder_config

if TYPE_CHECKING:
    from tilth.learn.encoder import WindowedTrunk

BY_TORCH = (
    'encoder.attention = "dynamic" chooses its windows while it reads, which ONNX graphs do not: this model is run by '
    "torch, and none was made smaller or for the edge"
)
NOT_BY_BLOCKS = (
    'no model was exported: with encoder.attention = "dynamic" the heads learned which blocks of long texts to go by, '
    "which no exported model reads; vectors of this kind are made by torch alone (tilth.learn.encoder.Encoder). For a "
    'model folder, set encoder.long_texts = "chunks", train the encoder (training.mode = "top"), or set '
    'encoder.attention = "full"'
)


def windowed_trunk(fitted: FittedModel, resources: Resources, source: Path) -> tuple[WindowedTrunk | None, str]:
    """The encoder that torch is to run, and why it is torch; None where heads go by blocks of long texts, and why.

    Args:
        fitted: the model.
        resources: the night's.
        source: the encoder's folder.
    """
    from tilth.learn.encoder import LongTexts, WindowedTrunk

    if isinstance(fitted.trunk, WindowedTrunk):
        return fitted.trunk.eval(), BY_TORCH
    long_texts = LongTexts.of(encoder_config(resources), source)
    if fitted.focus.weights is not None or long_texts is None:
        return None, NOT_BY_BLOCKS
    return WindowedTrunk(source, long_texts).eval(), BY_TORCH
