"""The loop that fine-tunes the encoder with a head for each task: accelerate places, scales and accumulates."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tilth.devices import resolve_device
from tilth.errors import StageError
from tilth.learn.encoder import Trunk
from tilth.progress import report
from tilth.training.heads import Head
from tilth.training.trainer.batches import TuningRows, rate
from tilth.training.trainer.checkpoint import Progress, Snapshot, load, save
from tilth.training.trainer.config import TrainerConfig
from tilth.training.trainer.early_stopping import EarlyStopping
from tilth.training.trainer.model import AllLayers, TrainedModel, TrainedPart
from tilth.training.trainer.objectives import CLASSIFY, Objective
from tilth.training.trainer.precision import (
    Computation,
    accelerate_name,
    computing_by,
    prepare_layers,
    resolve_computation,
)

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger(__name__)

SECONDS = 60.0
"""Between two checkpoints: a killed night loses at most so much of its fine-tuning. Results do not depend on it."""
_KEPT = 20
"""Steps between two copies in memory, to which a loss that is no number is rolled back."""
_SLOWED = 3
"""Times that the learning rate is halved after such a loss before the stage gives up."""
_HEADS = 100
"""How much larger the heads' steps are: a fresh layer on vectors of length 1 needs more than a trained encoder."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A fine-tuned encoder.

    Attributes:
        trunk: in evaluation mode, on the processor.
        losses: one a step.
        facts: where and in which precision it was trained, and what happened, for `run.json`.
    """

    trunk: Trunk
    losses: Sequence[float]
    facts: Mapping[str, Any]


def tune(
    folder: Path,
    training_rows: TuningRows,
    heads: Sequence[Head],
    config: TrainerConfig,
    seed: int,
    checkpoints: Path | None = None,
    *,
    part: TrainedPart | None = None,
    objective: Objective = CLASSIFY,
) -> Tuned:
    """Fine-tune the encoder with a linear head for each task, started from the fitted ones.

    AdamW with a linear warmup and decay, and batches of rows of like length. A loss that is no number takes the weights
    back to the last copy and halves the learning rate. Where rows are held out, the weights that predict them best are
    the result, and training ends early where later ones do no better.

    Args:
        folder: the encoder's model folder.
        training_rows: texts, classes and weights.
        heads: fitted heads on the embedding alone (none uses its parent), one a task in the order of `codes`.
        config: steps, rate, batch size, device and precision.
        seed: of the order of rows and of dropout.
        checkpoints: a folder that is there only while this runs: what a killed run of the same rows, config and seed
            goes on from, to the same weights where dropout is drawn on the processor. None keeps nothing.
        part: the layers that are trained, which read `training_rows.texts`; None is the whole encoder.
        objective: what is made smaller, by which rows.

    Raises:
        ConfigError: there is no such device, or it does not compute in the precision.
        StageError: the loss is no number at any rate, or the memory is not enough.
    """
    device = resolve_device(config.device, "training.device", '"cpu" or "auto"')
    computation = resolve_computation(config, device)
    with torch.random.fork_rng(), computing_by(computation):
        torch.manual_seed(seed)
        part = part or AllLayers(folder, training_rows.texts, config.max_tokens)
        accelerator = _accelerator(config, device, computation)
        run = _Run(part, objective, training_rows, heads, config, seed, accelerator, computation)
        progress = run.resume(checkpoints)
        resumed = len(progress.losses)
        progress = run.train(progress, checkpoints)
    if checkpoints is not None:
        shutil.rmtree(checkpoints, ignore_errors=True)
    facts = {"device": device, **computation.facts, "steps": len(progress.losses), "halved_rate": progress.slowed}
    facts |= {"resumed_at": resumed, **run.stopping.facts(progress)}
    return Tuned(trunk=run.trunk(), losses=progress.losses, facts=facts)


def _accelerator(config: TrainerConfig, device: str, computation: Computation) -> Accelerator:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    # One process holds one state, made by whoever came first; another precision or device needs a new one.
    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState._reset_state()
    return Accelerator(
        cpu=device == "cpu",
        mixed_precision=accelerate_name(computation.precision),
        gradient_accumulation_steps=config.accumulate,
        step_scheduler_with_optimizer=False,
    )


class _Run:
    """One fine-tuning: the model, its optimizer, and the batches that are left."""

    def __init__(
        self,
        part: TrainedPart,
        objective: Objective,
        rows: TuningRows,
        heads: Sequence[Head],
        config: TrainerConfig,
        seed: int,
        accelerator: Accelerator,
        computation: Computation,
    ) -> None:
        self._part, self._objective, self._rows = part, objective, rows
        self._config, self._accelerator = config, accelerator
        generator = torch.Generator().manual_seed(seed)
        trained = np.flatnonzero(~rows.measured).tolist()
        lengths = [part.lengths[row] for row in trained]
        plan = objective.plan(lengths, config.batch_size, config.steps, generator)
        self._plan = [[trained[place] for place in places] for places in plan]
        self.stopping = EarlyStopping(part, rows, config, len(self._plan))
        model = TrainedModel(part.module, heads).train()
        if config.gradient_checkpointing:
            trunk = model.trunk.model  # transformers 5.23 renamed it
            getattr(trunk, "activation_checkpointing_enable", trunk.gradient_checkpointing_enable)()
        self._plain_layers = prepare_layers(model.trunk, computation)
        groups = [
            {"params": [p for p in model.trunk.parameters() if p.requires_grad], "lr": config.learning_rate},
            {"params": model.heads.parameters(), "lr": config.learning_rate * _HEADS},
        ]
        fused = accelerator.device.type in ("cpu", "cuda")
        optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=fused)
        self._model, self._optimizer = accelerator.prepare(model, optimizer)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._share = rate(len(self._plan), config.warmup)

    def resume(self, checkpoints: Path | None) -> Progress:
        """Go on from a checkpoint, if there is one."""
        best = self.stopping.best
        progress = load(checkpoints, self._model, self._optimizer, best) if checkpoints is not None else None
        if progress is not None:
            log.info("fine-tuning goes on at step %d of %d", len(progress.losses), len(self._plan))
        return progress or Progress([])

    def train(self, progress: Progress, checkpoints: Path | None) -> Progress:
        """All steps that are left."""
        kept, at = Snapshot(self._model, self._optimizer, self.stopping.best), progress
        written = time.monotonic()
        while not self.stopping.is_over(progress):
            loss = self._step(len(progress.losses), progress.slowed)
            if not math.isfinite(loss):
                at = progress = _slower(at, len(progress.losses))
                kept.restore(self._model, self._optimizer, self.stopping.best)
                self._optimizer.zero_grad()
                continue
            progress = replace(progress, losses=[*progress.losses, loss])
            progress = self.stopping.measure(self._model, progress, self._accelerator.device)
            report("fine-tuning", len(progress.losses), len(self._plan))
            whole = len(progress.losses) % self._config.accumulate == 0  # no gradient waits for its step
            due = whole and checkpoints is not None and time.monotonic() - written >= SECONDS
            if due or (whole and len(progress.losses) - len(at.losses) >= _KEPT):
                kept, at = Snapshot(self._model, self._optimizer, self.stopping.best), progress
            if checkpoints is not None and due:
                save(checkpoints, kept, progress)
                written = time.monotonic()
        if self.stopping.best:
            self._model.load_state_dict(self.stopping.best)
        return progress

    def _step(self, step: int, slowed: int) -> float:
        """One batch, and the weights' step after as many of them as are accumulated; the loss."""
        rows = self._plan[step]
        share = self._share(step) / 2**slowed
        for group, most in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = most * share
        last = (step + 1) % self._config.accumulate == 0 or step + 1 == len(self._plan)
        try:
            loss = self._loss(rows)
            self._accelerator.backward(loss)
        except (torch.OutOfMemoryError, MemoryError) as error:
            half = max(len(rows) // 2, 1)
            raise StageError(
                f"out of memory: fine-tuning takes {len(rows)} rows of up to {self._config.max_tokens} tokens a step; "
                f"set training.batch_size = {half} and training.accumulate = {2 * self._config.accumulate}, or "
                "training.gradient_checkpointing = true"
            ) from error
        value = float(loss.detach())
        if last and math.isfinite(value):
            self._accelerator.clip_grad_norm_(self._model.trunk.parameters(), 1.0)
            self._optimizer.step()
            self._optimizer.zero_grad()
        return value

    def _loss(self, rows: Sequence[int]) -> torch.Tensor:
        device = self._accelerator.device
        values, mask = self._part.batch(rows)
        vectors, logits = self._model(values.to(device), mask.to(device))
        codes = [torch.from_numpy(codes[rows]).to(device) for codes in self._rows.codes.values()]
        weights = [
            torch.from_numpy(self._rows.weights[task][rows].astype(np.float32)).to(device) * (known >= 0)
            for task, known in zip(self._rows.codes, codes, strict=True)
        ]
        return self._objective.loss(vectors, logits, codes, weights)

    def trunk(self) -> Trunk:
        """The tuned encoder, as it was before accelerate wrapped it."""
        model = self._accelerator.unwrap_model(self._model, keep_fp32_wrapper=False)
        self._plain_layers()
        return self._part.trunk(model.trunk.cpu().eval())


def _slower(at: Progress, step: int) -> Progress:
    """Where training goes on after a loss that is no number."""
    if at.slowed == _SLOWED:
        raise StageError(
            f"fine-tuning: the loss of step {step + 1} is no number, at an eighth of training.learning_rate too; lower "
            'it, set training.precision = "float32", or training.trunk = "frozen"'
        )
    log.warning(
        "fine-tuning: the loss of step %d is no number; back to step %d, at half the learning rate",
        step + 1,
        len(at.losses),
    )
    return replace(at, slowed=at.slowed + 1)
