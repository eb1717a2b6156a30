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


@torch.inference_mode()
def nats_per_token(denoiser: Denoiser, tokenizer: Any, texts: Sequence[str], batch_size: int = 128) -> np.ndarray:
    """Mean cross-entropy of each text's tokens, each predicted without itself and without a source (texts,).

    Tokens that the denoiser cannot predict are left out; a text that has no other gives NaN.
    """
    places, device = inverse(denoiser), denoiser.device
    encoded = tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
    rows = [np.array([CLS, SEP, *ids[:_LONGEST], SEP]) for ids in encoded]
    jobs = [(row, offset) for row, ids in enumerate(encoded) for offset in range(min(_STRIDE, len(ids)))]
    jobs.sort(key=lambda job: len(rows[job[0]]))
    total, tokens = np.zeros(len(rows)), np.zeros(len(rows))
    for start in range(0, len(jobs), batch_size):
        batch = jobs[start : start + batch_size]
        ids = np.zeros((len(batch), max(len(rows[row]) for row, _ in batch)), dtype=np.int64)
        where = np.zeros(ids.shape, dtype=bool)
        for number, (row, offset) in enumerate(batch):
            ids[number, : len(rows[row])] = rows[row]
            where[number, 2 + offset : len(rows[row]) : _STRIDE] = True
        answers = places[torch.from_numpy(ids[where])]
        segments = torch.from_numpy((ids != 0).astype(np.int64))
        segments[:, :2] = 0
        noised = torch.from_numpy(np.where(where, MASK, ids))
        level = torch.zeros(len(batch), dtype=torch.long, device=device)
        with autocast(device.type):
            logits = denoiser(
                noised.to(device), segments.to(device), level, level, torch.from_numpy(where).to(device)
            ).float()
        known = answers >= 0
        loss = torch.nn.functional.cross_entropy(logits.cpu(), answers.clamp_min(0), reduction="none")
        owner = np.array([row for row, _ in batch])[np.nonzero(where)[0]][known.numpy()]
        np.add.at(total, owner, loss[known].numpy())
        np.add.at(tokens, owner, 1)
    return np.where(tokens > 0, total / np.maximum(tokens, 1), np.nan)
