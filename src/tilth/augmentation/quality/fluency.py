"""How well a text reads by the denoiser's own pseudo-likelihood (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tilth.augmentation.diffusion import CLS, MASK, SEP, Denoiser, shortlist_positions
from tilth.devices import autocast
from tilth.store import Cache, Vectors, digest, digest_made_by

_LONGEST = 120
_WORST = 3
_BATCH = 128


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
        measured = self._measured(texts) if self.cache is None else self.cache.of(texts, self._measured)
        return Nats(*measured.T.astype(float))

    def _measured(self, texts: Sequence[str]) -> np.ndarray:
        """Mean and worst of each text, float32 of shape (texts, 2)."""
        return np.array(
            [
                [losses.mean() if len(losses) else np.nan, np.sort(losses)[-_WORST:].sum() / _WORST]
                for losses in _losses(self.denoiser, self.tokenizer, texts)
            ],
            dtype=np.float32,
        )


def nats_cache(cache: Cache, fingerprint: str) -> Vectors:
    """The cache of nats by the denoiser of that fingerprint."""
    here = Path(__file__)
    diffusion = here.parents[1] / "diffusion"
    files = (here, diffusion / "denoiser.py", diffusion / "vocabulary.py", here.parents[2] / "devices.py")
    made_by = digest_made_by(files, ("torch", "diffusers", "transformers"))
    return Vectors(cache.folder("nats", digest(made_by, fingerprint)))


@torch.inference_mode()
def _losses(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Each text's cross-entropies in nats, each token masked alone, without those out of reach."""
    places, device = shortlist_positions(denoiser).cpu(), denoiser.device
    encoded = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    rows = [np.array([CLS, SEP, *ids[:_LONGEST], SEP]) for ids in encoded]
    # The end is a token too, by which a text that breaks off is known.
    jobs = [(row, place) for row, ids in enumerate(encoded) if ids for place in range(2, len(rows[row]))]
    jobs.sort(key=lambda job: len(rows[job[0]]))
    losses_by_row: list[list[float]] = [[] for _ in rows]
    for start in range(0, len(jobs), _BATCH):
        batch = jobs[start : start + _BATCH]
        ids = np.zeros((len(batch), max(len(rows[row]) for row, _ in batch)), dtype=np.int64)
        where = np.zeros(ids.shape, dtype=bool)
        for number, (row, place) in enumerate(batch):
            ids[number, : len(rows[row])] = rows[row]
            where[number, place] = True
        answers = places[torch.from_numpy(ids[where])]
        segments = torch.from_numpy((ids != 0).astype(np.int64))
        segments[:, :2] = 0
        noised = torch.from_numpy(np.where(where, MASK, ids))
        level = torch.zeros(len(batch), dtype=torch.long, device=device)
        with autocast(device.type):
            logits = denoiser(
                noised.to(device), segments.to(device), level, level, torch.from_numpy(where).to(device)
            ).float()
        loss = torch.nn.functional.cross_entropy(logits.cpu(), answers.clamp_min(0), reduction="none").numpy()
        for (row, _), known, lost in zip(batch, answers >= 0, loss.tolist(), strict=True):
            if known:
                losses_by_row[row].append(lost)
    return [np.array(losses) for losses in losses_by_row]
