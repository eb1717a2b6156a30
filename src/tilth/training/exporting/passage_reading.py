"""How the exported model reads long texts: by the passages that its heads learned to go by, where the night did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tilth.stage import Resources
from tilth.training.fitting import FittedModel

if TYPE_CHECKING:
    from tilth.training.export import PackedPassages

_PROBED = 400_000
"""Letters of the texts on which int8 and float are compared: 500 short ones, or some tens of long ones."""


def packed_passages(fitted: FittedModel, resources: Resources) -> PackedPassages | None:
    """What weighs passages in the exported model; None where it reads chunks, as a trained encoder does."""
    from tilth.training.export import PackedPassages

    encoder = resources.evidence.encoder
    if fitted.trunk is not None or not getattr(encoder, "reads_passages", False):
        return None
    return PackedPassages(fitted.focus.poolings)


def write_passages(frame: pd.DataFrame, model: Path | None, weights: np.ndarray | None, resources: Resources) -> None:
    """Set the column `passage`, in place, where texts are read by passages: the sentence that answers go by most.

    Args:
        frame: the table.
        model: the folder of an exported model, which weighs passages where `weights` does not.
        weights: of each passage in its text's vector.
        resources: the night's.
    """
    from tilth.training.export import PASSAGES, PackedPassages, decisive_sentences

    passages = resources.evidence.passages
    if passages is None:
        return
    if weights is None and model is not None and (model / PASSAGES).exists():
        packed = PackedPassages.load(model / PASSAGES)
        weights = packed.weights(passages, np.ones(len(passages.index))) if packed.poolings else None
    texts, encoder = frame["text"].tolist(), resources.evidence.encoder
    if weights is None or not encoder.reads_passages:  # no passages are told apart, or they are no sentences
        frame["passage"] = [None] * len(texts)
    else:
        frame["passage"] = decisive_sentences(encoder.cut(texts), passages, weights)


def affordable(texts: Sequence[str]) -> list[str]:
    """The first of the texts that are not too long together, one at least."""
    ends = np.cumsum([len(text) for text in texts])
    return list(texts[: max(1, int(np.searchsorted(ends, _PROBED, side="right")))])
