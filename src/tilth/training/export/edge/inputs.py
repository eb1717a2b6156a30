"""What an edge model is handed: one piece of text in one fixed shape, its mask and the weights of its mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MASKED = -1e4
"""Added to the attention on padding: its softmax is 0, and eight bits still tell the rest apart."""


def edge_inputs(ids: Sequence[int], length: int) -> dict[str, np.ndarray]:
    """The inputs of one piece, padded to the length.

    Args:
        ids: of its tokens, special ones included, at most `length`.
        length: that the graph was made for.

    Returns:
        `input_ids`, int64, shape (1, length); `mask`, float32, shape (1, 1, length, length), 0 where a token is and
        `MASKED` where none is; `mean`, float32, shape (1, 1, length), the weight of each token in the text's mean.
    """
    count = len(ids)
    padded = np.zeros((1, length), dtype=np.int64)
    padded[0, :count] = ids
    mask = np.zeros((1, 1, length, length), dtype=np.float32)
    mask[..., count:] = MASKED
    mean = np.zeros((1, 1, length), dtype=np.float32)
    mean[..., :count] = 1 / count
    return {"input_ids": padded, "mask": mask, "mean": mean}
