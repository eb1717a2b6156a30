"""Texts to the vectors of their passages, or of their blocks of tokens, for heads that learn which to go by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.learn.encoder.passages import Passages, once
from tilth.learn.encoder.text_encoder import Encoder
from tilth.progress import report
from tilth.store import Cache, digest


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


def encode_blocks(encoder: Encoder, texts: Sequence[str], cache: Cache) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the blocks of texts, each of length 1, computed once for the same texts in the same order.

    Blocks are 64 tokens of what is read at once, so that with chunks none reaches across two of them; an empty text has
    one block.

    Args:
        encoder: reads the texts as its settings say.
        texts: of any length.
        cache: keeps the vectors, 1,536 bytes a block of the default encoder.

    Returns:
        Each block's text, int64, shape (blocks,), and the vectors, float32, shape (blocks, dimensions), in order.
    """
    if not texts:
        return np.zeros(0, dtype=np.int64), np.zeros((0, encoder.dimensions), dtype=np.float32)

    def compute() -> dict[str, np.ndarray]:
        owner, pieces = encoder.pieces(texts)
        vectors = []
        for done, piece in enumerate(pieces, start=1):
            vectors.append(_blocks(encoder, piece))
            report("encoding blocks of texts", done, len(pieces))
        return {"owner": np.repeat(owner, [*map(len, vectors)]), "vectors": np.concatenate(vectors)}

    found = cache.arrays("blocks", digest(encoder.fingerprint, *texts), compute)
    return found["owner"], found["vectors"]


def _blocks(encoder: Encoder, piece: Sequence[int]) -> np.ndarray:
    from tilth.learn.encoder.attention import BLOCK, block_vectors  # loads torch

    states = encoder.token_states(piece)
    first = len(encoder.special[0])
    inside = states[first : first + len(piece)] if len(piece) else states  # an empty text is its special tokens
    return block_vectors(inside, BLOCK)
