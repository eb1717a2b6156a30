"""The denoiser's special tokens, and its vocabulary as it is stored beside the weights."""

from __future__ import annotations

import base64

import numpy as np

_NEVER = (0, 100, 101, 103)  # padding, unknown, beginning, mask


def pack_vocabulary(ids: np.ndarray, size: int) -> str:
    """Token ids as base64 of a bitmap: 5 kB for any subset of 30,522 words. Never predicted: `_NEVER`."""
    mask = np.zeros(size, dtype=bool)
    mask[ids] = True
    mask[list(_NEVER)] = False
    return base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")


def unpack_vocabulary(packed: str, size: int) -> np.ndarray:
    """Token ids of a bitmap by `pack_vocabulary`; the empty string stands for all `size` ids."""
    if not packed:
        return np.arange(size)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(packed), dtype=np.uint8), count=size)
    return np.flatnonzero(bits)


CLS, SEP, MASK, PAD = 101, 102, 103, 0
