"""A night's encoder, adapted to its long texts where the config asks for that."""

from __future__ import annotations

import logging
from pathlib import Path

from datasets import Dataset

from tilth.config import EncoderConfig
from tilth.errors import ConfigError
from tilth.learn.encoder import resolve_model
from tilth.samples import Split
from tilth.store import Cache, digest, digest_json, digest_tree, used

log = logging.getLogger(__name__)

FEWEST = 24
"""Long texts below which nothing is adapted: a third of them would be held out to measure by."""
_TEXTS = 256
"""Of more, those whose digests come first: as many as a few hundred steps see once or twice."""
_KIND = "adapted-1"


def adapted_encoder(config: EncoderConfig, samples: Dataset, cache: Cache, seed: int) -> EncoderConfig:
    """The encoder's settings with the folder of its adapted weights, where `adapt_steps` asks for some.

    The weights are kept by the model, the settings, the seed and the texts that they were adapted to, so that a night
    over the same long texts adapts nothing. Gold texts are never learned from.

    Args:
        config: `[encoder]`.
        samples: the night's rows.
        cache: where the weights are kept.
        seed: of the night.

    Raises:
        ConfigError: the loss is not a finite number, or the memory is not enough.
    """
    if not config.adapt_steps:
        return config
    most = config.max_tokens
    texts = {text for text, split in zip(samples["text"][:], samples["split"][:], strict=True) if split != Split.GOLD}
    long = sorted((text for text in texts if len(text.split(maxsplit=most)) > most), key=digest)[:_TEXTS]
    if len(long) < FEWEST:
        log.warning(
            "encoder.adapt_steps = %d, and %d texts have more than %d words, where %d are the least: the encoder stays "
            "as it came",
            config.adapt_steps, len(long), most, FEWEST,
        )  # fmt: skip
        return config
    source = resolve_model(config.model)
    settings = [config.window, most, config.adapt_steps, seed, _KIND]
    target = cache.folder("adapted", digest_json([digest_tree(source), settings, [digest(text) for text in long]]))
    if target.is_dir():
        used(target)
    else:
        _adapt(config, source, target, long, seed)
    return config.model_copy(update={"weights": str(target)})


def _adapt(config: EncoderConfig, source: Path, target: Path, texts: list[str], seed: int) -> None:
    from tilth.learn.encoder import LongTexts, adapt_windows

    long_texts = LongTexts.of(config, source)
    assert long_texts is not None  # of steps without windows there is no config
    try:
        adapt_windows(source, target, texts, long_texts, config.adapt_steps, seed=seed, device=config.device)
    except (MemoryError, FloatingPointError) as error:
        raise ConfigError(
            f"encoder.adapt_steps = {config.adapt_steps}: the encoder could not be adapted "
            f"({str(error) or 'out of memory'}); set it to 0, which adapts nothing"
        ) from error
