"""Fine-tuning measured on held-out rows: the best weights are kept, and training ends where they get no better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tilth.learn import fit_temperature
from tilth.samples import evenly_spaced
from tilth.training.trainer.batches import TuningRows
from tilth.training.trainer.checkpoint import Progress
from tilth.training.trainer.config import TrainerConfig
from tilth.training.trainer.model import TrainedPart
from tilth.training.trainer.sharding import local_state

MEASURED = 400
"""Rows that are measured at most, evenly spaced: each time costs about as much as four steps."""
_BATCH = 64


class EarlyStopping:
    """When held-out rows are measured, and which weights did best by them.

    Args:
        part: what the model reads.
        rows: those to measure are marked.
        config: how often, and for how long no better weights are waited for.
        steps: that there are in all.
    """

    def __init__(self, part: TrainedPart, rows: TuningRows, config: TrainerConfig, steps: int) -> None:
        places = np.flatnonzero(rows.measured & np.any([codes >= 0 for codes in rows.codes.values()], axis=0))
        self._part, self._codes, self._rows = part, rows.codes, places[evenly_spaced(len(places), MEASURED)].tolist()
        self._steps, self._every, self._patience = steps, math.ceil(steps / config.evaluations), config.patience
        self.best: dict[str, torch.Tensor] = {}  # weights

    def measure(self, model: nn.Module, progress: Progress, device: torch.device) -> Progress:
        """The same with one more score, where one is due after these steps."""
        step = len(progress.losses)
        if not self._rows or (step % self._every and step < self._steps):
            return progress
        score = log_likelihood(model, self._part, self._rows, self._codes, device)
        if score > max(progress.scores, default=-math.inf):
            self.best.update(local_state(model))
        return replace(progress, scores=[*progress.scores, score])

    def is_over(self, progress: Progress) -> bool:
        """Whether all steps are done, or the last scores were all below the best one."""
        scores = progress.scores
        stalled = bool(scores) and len(scores) - 1 - int(np.argmax(scores)) >= self._patience
        return stalled or len(progress.losses) >= self._steps

    def facts(self, progress: Progress) -> dict[str, Any]:
        """The scores, and the step whose weights were kept; nothing where no row was measured."""
        if not progress.scores:
            return {}
        best = min((int(np.argmax(progress.scores)) + 1) * self._every, len(progress.losses))
        return {"best_step": best, "measured": [round(score, 4) for score in progress.scores]}


def log_likelihood(
    model: nn.Module, part: TrainedPart, rows: Sequence[int], codes: Mapping[str, np.ndarray], device: torch.device
) -> float:
    """The mean log probability of these rows' labels, each task's logits calibrated first; its sum over tasks.

    A fine-tuned model that is too sure of itself may classify better than before: a temperature for each task keeps
    that from counting against it.

    Args:
        model: as `TrainedModel`.
        part: what it reads.
        rows: places of the rows.
        codes: for each task in the order of the model's heads, each row's class, −1 for none, shape (all rows,).
        device: where the model stands.
    """
    order = sorted(rows, key=lambda row: part.lengths[row])
    found: list[list[np.ndarray]] = []
    model.eval()
    with torch.no_grad():  # what a shard gathers here, the next step may train
        for start in range(0, len(order), _BATCH):
            values, mask = part.batch(order[start : start + _BATCH])
            _, logits = model(values.to(device), mask.to(device))
            found.append([one.float().cpu().numpy() for one in logits])
    model.train()
    total = 0.0
    for task, parts in zip(codes.values(), zip(*found, strict=True), strict=True):
        truth, logits = task[order], np.concatenate(parts)
        known = truth >= 0
        if known.any():
            scaled = logits[known] / fit_temperature(logits[known], truth[known], 0.2, 5.0)
            scaled -= scaled.max(axis=1, keepdims=True)
            likelihood = scaled[np.arange(len(scaled)), truth[known]] - np.log(np.exp(scaled).sum(axis=1))
            total += float(likelihood.mean())
    return total
