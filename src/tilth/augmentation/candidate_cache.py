"""Candidates of each source, drawn by its own random numbers and kept, so that a night pays for new sources alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import ParaphraseOutput
from tilth.augmentation.text import WORD, plain
from tilth.store import Cache, digest_json, digest_made_by, read_json, used, write_json

logger = logging.getLogger(__name__)


class Paraphraser(Protocol):
    """What `tilth.augmentation.diffusion.pipeline.ParaphrasePipeline` is, as far as a night needs it."""

    def __call__(
        self,
        texts: Sequence[str],
        *,
        candidates: int,
        noise_level: Sequence[float],
        num_inference_steps: int,
        temperature: float,
        top_k: int,
        keep: Sequence[Sequence[str]],
        casing: Mapping[str, str],
        generator: Sequence[torch.Generator],
    ) -> ParaphraseOutput:
        """Paraphrases of each text, settled by the text's own generator."""

    def set_progress_bar_config(self, **options: Any) -> None:
        """How the bar over the texts is drawn."""


@dataclass(frozen=True)
class _Drawn:
    """One source's candidates, the noise of each, and the spelling that their words had in the corpus."""

    texts: list[str]
    levels: list[float]
    spelled: dict[str, str]

    def holds(self, casing: Mapping[str, str]) -> bool:
        """Whether the corpus still spells their words so."""
        return all(casing.get(word, "") == spelling for word, spelling in self.spelled.items())


def draw(
    paraphraser: Paraphraser,
    fingerprint: str,
    texts: Sequence[str],
    keep: Sequence[Sequence[str]],
    casing: Mapping[str, str],
    config: Config,
    seed: int,
    cache: Cache,
) -> tuple[ParaphraseOutput, int]:
    """Candidates of each text, from the cache where they were drawn before.

    Args:
        paraphraser: Draws what is not kept yet.
        fingerprint: Digest of its weights.
        texts: The sources.
        keep: For each, words that had better stay.
        casing: Spelling of words in the corpus.
        config: `[augmentation]`.
        seed: Of the night.
        cache: Where candidates are kept, a file a source.

    Returns:
        The candidates, and how many sources were drawn anew.
    """
    settings = [
        _made_by(), fingerprint, config.candidates, config.noise, config.inference_steps, config.temperature,
        config.top_k, config.scheduler, seed,
    ]  # fmt: skip
    keys = [digest_json([settings, text, list(words)]) for text, words in zip(texts, keep, strict=True)]
    files = [cache.folder("paraphrases", key).with_suffix(".json") for key in keys]
    drawn = [_read(file, casing) for file in files]
    new = [row for row, found in enumerate(drawn) if found is None]
    if new:
        output = paraphraser(
            [texts[row] for row in new],
            candidates=config.candidates,
            noise_level=config.noise,
            num_inference_steps=config.inference_steps,
            temperature=config.temperature,
            top_k=config.top_k,
            keep=[keep[row] for row in new],
            casing=casing,
            generator=[torch.Generator().manual_seed(int(keys[row][:15], 16)) for row in new],
        )
        for row, found, levels in zip(new, output.texts, output.noise_levels, strict=True):
            words = {plain(word) for text in found for word in WORD.findall(text)}
            one = _Drawn(found, levels, {word: casing.get(word, "") for word in sorted(words)})
            write_json(files[row], vars(one))
            drawn[row] = one
    whole = [found for found in drawn if found is not None]
    return ParaphraseOutput([found.texts for found in whole], [found.levels for found in whole]), len(new)


def _made_by() -> str:
    """What candidates rest on beside weights and settings: the code that draws them, and its libraries."""
    here, package = Path(__file__), Path(__file__).parents[1]
    rooms = (file for room in ("diffusion", "llm", "text") for file in sorted((here.parent / room).glob("*.py")))
    return digest_made_by(
        (here, *rooms, package / "text.py", package / "devices.py"), ("torch", "diffusers", "transformers")
    )


def _read(file: Path, casing: Mapping[str, str]) -> _Drawn | None:
    try:
        found = _Drawn(**read_json(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("cache file %s is damaged (%s): its paraphrases are drawn again", file.name, error)
        return None
    used(file)
    return found if found.holds(casing) else None
