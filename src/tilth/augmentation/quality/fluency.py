"""How well a text reads by the denoiser's own pseudo-likelihood (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilth.augmentation.diffusion import Denoiser
from tilth.augmentation.quality.pseudo_likelihood import measure_losses
from tilth.store import Cache, Vectors, digest, digest_made_by


@dataclass(frozen=True)
class Nats:
    """Cross-entropy of texts' tokens, each predicted without itself and without a source; every array is (texts,).

    Tokens that the denoiser cannot predict are left out.

    Attributes:
        mean: Of each text's tokens, NaN where there is none.
        worst: Of its three least expected ones: a mistake is one spot in a text that is right elsewhere. Fewer count as
            expected.
    """

    mean: np.ndarray
    worst: np.ndarray


@dataclass(frozen=True)
class Fluency:
    """Measures how little a text's tokens are expected.

    Attributes:
        denoiser: Predicts them; each token costs a pass.
        tokenizer: The denoiser's.
        cache: Holds what this denoiser gave for texts before; None computes it anew.
    """

    denoiser: Denoiser
    tokenizer: Any
    cache: Vectors | None = None

    def nats(self, texts: Sequence[str]) -> Nats:
        """The cross-entropy of the texts' tokens."""
        if not texts:
            return Nats(np.zeros(0), np.zeros(0))
        distinct = sorted(set(texts))
        found = dict(zip(distinct, self._up_to(distinct, distinct, np.full((len(distinct), 2), np.inf)), strict=True))
        return Nats(*np.array([found[text] for text in texts], dtype=float).T)

    def added(self, sources: Sequence[str], paraphrases: Sequence[str], limits: Nats) -> Nats:
        """By how much each paraphrase's nats are above its source's, 0 where one of the two is unknown.

        What is beyond one of its limits gets infinity: most such texts are left before all of their tokens are
        predicted, those around the new ones first.

        Args:
            sources: The texts (pairs,).
            paraphrases: Of each source one (pairs,).
            limits: Nats above the source's that are the most that still matter (pairs,).
        """
        if not sources:
            return Nats(np.zeros(0), np.zeros(0))
        of_sources = self.nats(sources)
        before = np.stack([of_sources.mean, of_sources.worst], axis=1)
        most = np.where(np.isnan(before), np.inf, before + np.stack([limits.mean, limits.worst], axis=1))
        pair, loosest = dict[str, int](), dict[str, np.ndarray]()
        for place, text in enumerate(paraphrases):
            pair.setdefault(text, place)
            loosest[text] = np.maximum(most[place], loosest.get(text, most[place]))  # another source may still take it
        texts = list(pair)
        found = dict(
            zip(
                texts,
                self._up_to(texts, [sources[place] for place in pair.values()], np.array(list(loosest.values()))),
                strict=True,
            )
        )
        after = np.array([found[text] for text in paraphrases])
        change = np.nan_to_num(after - before)
        change[(after > most).any(axis=1)] = np.inf
        return Nats(change[:, 0], change[:, 1])

    def _up_to(self, texts: Sequence[str], sources: Sequence[str], limits: np.ndarray) -> np.ndarray:
        """Mean and worst of distinct texts (texts, 2), or what they are at least beyond their limits.

        Those that are known as a whole are cached.
        """
        keys = [bytes.fromhex(digest(text)) for text in texts]
        missing = list(range(len(texts))) if self.cache is None else self.cache.missing(keys)
        losses = measure_losses(
            self.denoiser,
            self.tokenizer,
            [texts[place] for place in missing],
            [sources[place] for place in missing],
            limits[missing],
        )
        found = np.full((len(texts), 2), np.nan, dtype=np.float32)
        for place, one in zip(missing, losses, strict=True):
            found[place] = one.least()
        if self.cache is not None:
            whole = [place for place, one in zip(missing, losses, strict=True) if one.whole]
            self.cache.add([keys[place] for place in whole], found[whole])
            if held := sorted(set(range(len(texts))) - set(missing)):
                found[held] = self.cache.get([keys[place] for place in held])
        return found


def nats_cache(cache: Cache, fingerprint: str) -> Vectors:
    """The cache of nats by the denoiser of that fingerprint."""
    here = Path(__file__)
    diffusion = here.parents[1] / "diffusion"
    files = (
        here,
        here.with_name("pseudo_likelihood.py"),
        diffusion / "cores.py",
        diffusion / "denoiser.py",
        diffusion / "vocabulary.py",
        here.parents[2] / "devices.py",
        here.parents[2] / "threads.py",
    )
    made_by = digest_made_by(files, ("torch", "diffusers", "transformers"))
    return Vectors(cache.folder("nats", digest(made_by, fingerprint)))
