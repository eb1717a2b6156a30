"""Whether a night reads long texts sentence by sentence, where the config leaves it to the texts."""

from __future__ import annotations

from collections.abc import Callable

from datasets import Dataset

from tilth.config import EncoderConfig
from tilth.samples import Split

_MANY = 0.5
"""Share of long texts from which on all are read so."""


def settle_long_texts(config: EncoderConfig, samples: Dataset, warn: Callable[[str], None]) -> EncoderConfig:
    """The encoder's settings with `long_texts` settled: by passages where half of the texts are surely long.

    A word is a token at the least. Scripts that write no spaces between words are read in chunks, as ever. Gold texts
    decide nothing.

    Args:
        config: `[encoder]`.
        samples: the night's rows.
        warn: takes what a person should know of it.
    """
    if config.long_texts != "auto":
        return config
    most = config.max_tokens
    texts = [text for text, split in zip(samples["text"][:], samples["split"][:], strict=True) if split != Split.GOLD]
    long = [len(text.split(maxsplit=most)) > most for text in texts]
    share = sum(long) / max(len(long), 1)
    if share >= _MANY:
        warn(
            f"{share:.0%} of the texts have more than {most} words: long ones are read sentence by sentence "
            '(encoder.long_texts = "chunks" averages them)'
        )
    return config.model_copy(update={"long_texts": "passages" if share >= _MANY else "chunks"})
