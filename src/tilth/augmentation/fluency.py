"""How well a text reads by the denoiser's own pseudo-likelihood (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tilth.augmentation.denoiser import Denoiser
from tilth.augmentation.examples import CLS, MASK, SEP
from tilth.augmentation.learning import inverse
from tilth.precision import autocast

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


def nats(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str]) -> Nats:
    """How little a text's tokens are expected; each costs a pass."""
    found = _losses(denoiser, tokenizer, texts)
    return Nats(
        np.array([losses.mean() if len(losses) else np.nan for losses in found], dtype=float),
        np.array([np.sort(losses)[-_WORST:].sum() / _WORST for losses in found], dtype=float),
    )


@torch.inference_mode()
def _losses(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Each text's cross-entropies in nats, each token masked alone, without those out of reach."""
    places, device = inverse(denoiser), denoiser.device
    encoded = tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
    rows = [np.array([CLS, SEP, *ids[:_LONGEST], SEP]) for ids in encoded]
    # The end is a token too, by which a text that breaks off is known.
    jobs = [(row, place) for row, ids in enumerate(encoded) if ids for place in range(2, len(rows[row]))]
    jobs.sort(key=lambda job: len(rows[job[0]]))
    found: list[list[float]] = [[] for _ in rows]
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
                found[row].append(lost)
    return [np.array(losses) for losses in found]
