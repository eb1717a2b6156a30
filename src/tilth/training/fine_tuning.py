"""The encoder as a torch module, and its fine-tuning together with a head for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tilth.devices import autocast
from tilth.learn.encoder import Tokens, Trunk
from tilth.progress import report
from tilth.training.config import Config
from tilth.training.heads import Head


@dataclass(frozen=True, kw_only=True)
class TuningRows:
    """The rows that the encoder is fine-tuned on.

    Attributes:
        texts: the rows' texts.
        codes: for each task, each row's class, −1 where it has none, shape (rows,).
        weights: for each task, each row's weight, shape (rows,).
    """

    texts: Sequence[str]
    codes: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]


def tune(
    folder: Path, training_rows: TuningRows, heads: Sequence[Head], config: Config, seed: int
) -> tuple[Trunk, list[float]]:
    """Fine-tune the encoder with a linear head for each task, started from the fitted ones.

    AdamW with a linear warmup and decay, bfloat16 where the processor computes in it, batches of rows of like length.

    Args:
        folder: the encoder's model folder.
        training_rows: texts, classes and weights.
        heads: fitted heads on the embedding alone (none uses its parent), one a task in the order of `codes`.
        config: steps, rate and batch size.
        seed: of the order of rows and of dropout.

    Returns:
        The tuned trunk in evaluation mode, and the loss of each step.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = Trunk(folder).train()
        linear = _linear(heads)
        tokens = Tokens.load(folder)
        encoded = tokens.chunks(training_rows.texts, config.max_tokens, 1)[1]  # of a long text, its beginning
        plan = _plan([len(ids) for ids in encoded], config, torch.Generator().manual_seed(seed))
        optimizer = torch.optim.AdamW(
            [
                {"params": trunk.parameters(), "lr": config.learning_rate},
                # A fresh layer on vectors of length 1 needs larger steps than a trained encoder.
                {"params": linear.parameters(), "lr": config.learning_rate * 100},
            ],
            weight_decay=0.01,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate(len(plan), config.warmup))
        losses = []
        for batch in plan:
            loss = _loss(trunk, linear, training_rows, batch, tokens.batch([encoded[row] for row in batch]))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trunk.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
            report("fine-tuning", len(losses), len(plan))
    return trunk.eval(), losses


def _linear(heads: Sequence[Head]) -> nn.ModuleDict:
    linear = nn.ModuleDict()
    for position, head in enumerate(heads):
        layer = nn.Linear(head.weight.shape[1], len(head.task.labels))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(head.weight))
            layer.bias.copy_(torch.from_numpy(np.maximum(head.bias, -10)))
        linear[str(position)] = layer
    return linear


def _plan(lengths: Sequence[int], config: Config, generator: torch.Generator) -> list[list[int]]:
    """The rows of each step: shuffled, sorted by length within pools of batches, the batches shuffled again."""
    plan: list[list[int]] = []
    while len(plan) < config.steps:
        order = torch.randperm(len(lengths), generator=generator).tolist()
        pool = config.batch_size * 8
        batches = []
        for start in range(0, len(order), pool):
            rows = sorted(order[start : start + pool], key=lambda row: lengths[row])
            batches += [rows[i : i + config.batch_size] for i in range(0, len(rows), config.batch_size)]
        plan += [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
    return plan[: config.steps]


def _rate(steps: int, warmup: float) -> Any:
    rising = max(1, math.ceil(steps * warmup))
    return lambda step: min((step + 1) / rising, max(0.0, (steps - step) / max(1, steps - rising)))


def _loss(
    trunk: Trunk,
    linear: nn.ModuleDict,
    training_rows: TuningRows,
    rows: Sequence[int],
    tokens: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    with autocast():
        vectors = trunk(*tokens).float()
    total = vectors.sum() * 0
    for position, task in enumerate(training_rows.codes):
        codes = torch.from_numpy(training_rows.codes[task][rows])
        weights = torch.from_numpy(training_rows.weights[task][rows].astype(np.float32)) * (codes >= 0)
        losses = nn.functional.cross_entropy(linear[str(position)](vectors), codes.clamp(min=0), reduction="none")
        total = total + (losses * weights).sum() / weights.sum().clamp(min=1e-6)
    return total
