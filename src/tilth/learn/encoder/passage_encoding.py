"""Texts to the vectors of their passages, for heads that learn which to go by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.learn.encoder.block_encoding import encode_blocks
from tilth.learn.encoder.passages import Passages, once
from tilth.learn.encoder.text_encoder import Encoder
from tilth.store import Cache


def encode_passages(encoder: Encoder, texts: Sequence[str], cache: Cache) -> Passages:
    """Vectors of the texts' passages; of a text that the encoder reads in one pass, of its blocks.

    Args:
        encoder: with `long_texts = "passages"` in its settings.
        texts: of any length, one at least.
        cache: keeps the vectors of blocks; those of passages are in the encoder's own.
    """
    if not encoder.reads_passages:
        return Passages.of(*encode_blocks(encoder, texts, cache), len(texts))
    owner, pieces = encoder.pieces(texts)
    unique, index = once(pieces)
    return Passages(encoder.encode_pieces(unique), index, np.searchsorted(owner, np.arange(len(texts) + 1)))
