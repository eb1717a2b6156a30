"""The denoiser's training loop, for pretraining and for each night's adaptation alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tilth.augmentation.diffusion.adaptation.training_data import Batch, Examples, add_noise
from tilth.augmentation.diffusion.denoiser import Denoiser, shortlist_positions
from tilth.devices import autocast
from tilth.progress import report


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        steps: Batches in all.
        peak: AdamW's learning rate after warm-up.
        warmup: Steps from 0 to the peak.
        decay: The share of steps at the end in which the rate falls in a line to 0.
    """

    steps: int
    peak: float = 5e-4
    warmup: int = 100
    decay: float = 1.0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.peak * min(1.0, (step + 1) / max(1, self.warmup), left)


@dataclass
class Progress:
    """What a run has reached: the step, and (step, nats a masked token) of its curve."""

    step: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)


def masked_loss(model: Denoiser, batch: Batch, places: Tensor) -> Tensor:
    """Mean cross-entropy in nats over masked tokens; tokens outside the shortlist are left out."""
    logits = model(batch.ids, batch.segments, batch.fidelity, batch.boldness, batch.where)
    return functional.cross_entropy(logits.float(), places[batch.answers], ignore_index=-1)


def heldout_loss(model: Denoiser, examples: Examples, seed: int, size: int = 64) -> float:
    """Masked loss in nats a token on held-out examples, noised by `seed` (equal on every call)."""
    totals, tokens = example_losses(model, examples, seed, size)
    return float(totals.sum()) / max(int(tokens.sum()), 1)


def example_losses(model: Denoiser, examples: Examples, seed: int, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each example's masked tokens together, and how many tokens were measured; both (examples,).

    Args:
        model: The denoiser; tokens outside its shortlist are left out.
        examples: Held-out ones.
        seed: Of their noise, which is equal on every call.
        size: Examples a batch.
    """
    rng, places = np.random.default_rng(seed), shortlist_positions(model)
    totals, tokens = np.zeros(len(examples)), np.zeros(len(examples), dtype=np.int64)
    order = np.argsort(examples.lengths(), kind="stable")
    model.eval()
    with torch.inference_mode(), autocast(model.device.type):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = add_noise(examples.take(rows), rng).to(model.device)
            logits = model(batch.ids, batch.segments, batch.fidelity, batch.boldness, batch.where).float()
            answers = places[batch.answers]
            losses = functional.cross_entropy(logits, answers.clamp_min(0), reduction="none") * (answers >= 0)
            owner = rows[batch.where.nonzero()[:, 0].cpu().numpy()]
            np.add.at(totals, owner, losses.cpu().numpy())
            np.add.at(tokens, owner, (answers >= 0).cpu().numpy())
    return totals, tokens


def make_optimizer(model: Denoiser, weight_decay: float = 0.01) -> torch.optim.AdamW:
    """AdamW over what learns; norms, biases and levels are not decayed."""
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)


def train_denoiser(
    model: Denoiser,
    source: Iterator[Batch],
    schedule: Schedule,
    optimizer: torch.optim.AdamW,
    progress: Progress,
    *,
    until: int | None = None,
    each: int = 100,
    after: Callable[[Progress], None] | None = None,
) -> Progress:
    """Trains in place from `progress.step` to the schedule's end, or `until` a step before it.

    `after` is called every `each` steps.
    """
    places, device, recent = shortlist_positions(model), model.device, list[Tensor]()
    last = schedule.steps if until is None else min(until, schedule.steps)
    model.train()
    while progress.step < last:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(progress.step)
        with autocast(device.type):
            loss = masked_loss(model, next(source).to(device), places)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress.step += 1
        report("adapting the paraphraser", progress.step, last)
        recent.append(loss.detach())  # read out later: an accelerator is not to wait for it at every step
        if progress.step % each == 0 or progress.step == last:
            progress.curve.append((progress.step, float(torch.stack(recent).mean())))
            recent.clear()
            if after is not None:
                after(progress)
                model.train()
    return progress
