"""How well a text reads by the denoiser's own pseudo-likelihood (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tilth.augmentation.denoiser import Denoiser
from tilth.augmentation.examples import CLS, MASK, SEP
from tilth.augmentation.learning import inverse
from tilth.precision import autocast

_STRIDE = 4  # every fourth token is masked at once: four passes a text, and three of four neighbors in sight
_LONGEST = 120
_WORST = 3
_BATCH = 128


def nats_per_token(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str]) -> np.ndarray:
    """Mean cross-entropy of each text's tokens, each predicted without itself and without a source (texts,).

    Tokens that the denoiser cannot predict are left out; a text that has no other gives NaN.
    """
    found = _losses(denoiser, tokenizer, texts, _STRIDE)
    return np.array([losses.mean() if len(losses) else np.nan for losses in found], dtype=float)


def worst_nats(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str]) -> np.ndarray:
    """Mean cross-entropy of each text's three least expected tokens, each masked alone (texts,).

    A mistake is one spot in a text that is right elsewhere, so that these tell more than the mean. Fewer tokens, or
    ones that the denoiser cannot predict, count as expected.
    """
    found = _losses(denoiser, tokenizer, texts, _LONGEST + 1)
    return np.array([np.sort(losses)[-_WORST:].sum() / _WORST for losses in found], dtype=float)


@torch.inference_mode()
def _losses(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str], stride: int) -> list[np.ndarray]:
    """Each text's cross-entropies in nats, of every `stride`th token masked at once, without those out of reach."""
    places, device = inverse(denoiser), denoiser.device
    encoded = tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
    rows = [np.array([CLS, SEP, *ids[:_LONGEST], SEP]) for ids in encoded]
    # The end is a token too, by which a text that breaks off is known.
    jobs = [
        (row, offset) for row, ids in enumerate(encoded) if ids for offset in range(min(stride, len(rows[row]) - 2))
    ]
    jobs.sort(key=lambda job: len(rows[job[0]]))
    found: list[list[np.ndarray]] = [[] for _ in rows]
    for start in range(0, len(jobs), _BATCH):
        batch = jobs[start : start + _BATCH]
        ids = np.zeros((len(batch), max(len(rows[row]) for row, _ in batch)), dtype=np.int64)
        where = np.zeros(ids.shape, dtype=bool)
        for number, (row, offset) in enumerate(batch):
            ids[number, : len(rows[row])] = rows[row]
            where[number, 2 + offset : len(rows[row]) : stride] = True
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
        known, owner = (answers >= 0).numpy(), np.nonzero(where)[0]
        for number, (row, _) in enumerate(batch):
            found[row].append(loss[known & (owner == number)])
    return [np.concatenate(parts) if parts else np.zeros(0) for parts in found]
