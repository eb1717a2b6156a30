"""The loop that fine-tunes the encoder with a head for each task: accelerate places, scales and accumulates."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate.utils.memory import should_reduce_batch_size
from torch import nn

from tilth.errors import StageError
from tilth.progress import report
from tilth.training.heads import Head, fresh_parameters
from tilth.training.trainer.batches import TuningRows, rate
from tilth.training.trainer.checkpoint import Checkpoints, Progress, Snapshot
from tilth.training.trainer.config import TrainerConfig
from tilth.training.trainer.early_stopping import EarlyStopping
from tilth.training.trainer.model import TrainedModel, TrainedPart
from tilth.training.trainer.objectives import Objective
from tilth.training.trainer.precision import Computation, prepare_layers
from tilth.training.trainer.sharding import Shards, full_state, set_local_state

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger(__name__)

_KEPT = 20
"""Steps between two copies in memory, to which training goes back where a loss is not a finite number."""
_SLOWED = 3
"""Times that the learning rate is halved after such a loss before the stage gives up."""
_HEADS = 100
"""How much larger the linear layers' steps are: fresh ones on vectors of length 1 need more than a trained encoder."""
_FRESH = 20
"""The same of what a head adds to the encoder."""


class Run:
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
        shards: Shards | None,
    ) -> None:
        self._part, self._objective, self._rows = part, objective, rows
        self._config, self._accelerator, self._shards = config, accelerator, shards
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
        if shards is not None:
            shards.shard(model)
            torch.manual_seed(seed + shards.place)  # other rows, other dropout; the same among tensor parallel ones
        optimizer = self._new_optimizer(model)
        self._model, self._optimizer = accelerator.prepare(model, optimizer)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._share = rate(len(self._plan), config.warmup)

    def _new_optimizer(self, model: TrainedModel) -> torch.optim.AdamW:
        """One with a rate for the encoder, for what was added to it, and for the heads."""
        fresh = list(fresh_parameters(model.trunk))
        added = {id(parameter) for parameter in fresh}
        trained = [p for p in model.trunk.parameters() if p.requires_grad and id(p) not in added]
        groups = [
            {"params": trained, "lr": self._config.learning_rate},
            {"params": fresh, "lr": self._config.learning_rate * _FRESH},
            {"params": model.heads.parameters(), "lr": self._config.learning_rate * _HEADS},
        ]
        # Shards lie on more than one grid.
        fused = self._accelerator.device.type in ("cpu", "cuda") and self._shards is None
        foreach = False if self._shards else None
        return torch.optim.AdamW(groups, weight_decay=0.01, fused=fused, foreach=foreach)

    def resume(self, folder: Path | None) -> Progress:
        """Go on from a checkpoint in a folder, if there is one."""
        best = self.stopping.best
        self._checkpoints = Checkpoints(folder, self._shards)
        progress = self._checkpoints.load(self._model, self._optimizer, best)
        if progress is not None:
            log.info("fine-tuning goes on at step %d of %d", len(progress.losses), len(self._plan))
        return progress or Progress([])

    def train(self, progress: Progress) -> Progress:
        """All steps that are left."""
        kept, at = Snapshot(self._model, self._optimizer, self.stopping.best), progress
        while not self.stopping.is_over(progress):
            loss = self._step(len(progress.losses), progress.slowed)
            if not math.isfinite(loss):
                at = progress = _slower(at, len(progress.losses), loss)
                kept.restore(self._model, self._optimizer, self.stopping.best)
                self._optimizer.zero_grad()
                continue
            progress = replace(progress, losses=[*progress.losses, loss])
            progress = self.stopping.measure(self._model, progress, self._accelerator.device)
            report("fine-tuning", len(progress.losses), len(self._plan))
            whole = len(progress.losses) % self._config.accumulate == 0  # no gradient waits for its step
            due = whole and self._checkpoints.due()
            if due or (whole and len(progress.losses) - len(at.losses) >= _KEPT):
                kept, at = Snapshot(self._model, self._optimizer, self.stopping.best), progress
            if due:
                self._checkpoints.save(kept, progress)
        if self._checkpoints.due():  # a night that is killed before its stage ends does not train again
            self._checkpoints.save(Snapshot(self._model, self._optimizer, self.stopping.best), progress)
        if self.stopping.best:
            set_local_state(self._model, self.stopping.best)
        return progress

    def _step(self, step: int, slowed: int) -> float:
        """One batch, and the weights' step after as many of them as are accumulated; the loss."""
        rows = self._plan[step]
        share = self._share(step) / 2**slowed
        for group, most in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = most * share
        last = (step + 1) % self._config.accumulate == 0 or step + 1 == len(self._plan)
        loss = self._with_gradients(rows)
        if loss is None:
            raise StageError(self._too_large(rows))
        value = float(loss.detach())
        if last and math.isfinite(value):
            self._accelerator.clip_grad_norm_(self._model.trunk.parameters(), 1.0)
            self._optimizer.step()
            self._optimizer.zero_grad()
        return value

    def _with_gradients(self, rows: Sequence[int]) -> torch.Tensor | None:
        """The loss of a batch, whose gradients are added up; None where the memory is not enough."""
        try:
            loss = self._loss(rows)
            # Each shard holds the gradient by its own rows, and FSDP takes the mean of them for the sum.
            self._accelerator.backward(loss if self._shards is None else loss * self._shards.data)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or should_reduce_batch_size(error):
                return None
            raise
        return loss

    def _too_large(self, rows: Sequence[int]) -> str:
        """What to say of a batch that does not fit into the memory: of its longest rows, how many do."""
        fits, longest = len(rows) // 2, sorted(rows, key=lambda row: -self._part.lengths[row])
        while fits and self._shards is None:  # of several processes, the others wait for this step
            self._optimizer.zero_grad()
            if self._with_gradients(longest[:fits]) is not None:
                break
            fits //= 2
        said = f"out of memory: fine-tuning takes {len(rows)} rows of up to {self._config.max_tokens} tokens a step"
        if not fits:
            return f'{said}, and no single one fits; lower training.max_tokens, or set training.mode = "probe"'
        more = math.ceil(self._config.accumulate * len(rows) / fits)
        return (
            f"{said}, and {fits} fit; set training.batch_size = {fits} and training.accumulate = {more}, or "
            "training.gradient_checkpointing = true"
        )

    def _loss(self, rows: Sequence[int]) -> torch.Tensor:
        device = self._accelerator.device
        values, mask = self._part.batch(rows if self._shards is None else self._shards.rows(rows))
        vectors, logits = self._model(values.to(device), mask.to(device))
        if self._shards is not None:
            vectors, logits = (
                self._shards.gather(vectors, len(rows)),
                [self._shards.gather(one, len(rows)) for one in logits],
            )
        codes = [torch.from_numpy(codes[rows]).to(device) for codes in self._rows.codes.values()]
        weights = [
            torch.from_numpy(self._rows.weights[task][rows].astype(np.float32)).to(device) * (known >= 0)
            for task, known in zip(self._rows.codes, codes, strict=True)
        ]
        return self._objective.loss(vectors, logits, codes, weights)

    def weights(self) -> dict[str, np.ndarray]:
        """All weights of the trained module, which may be sharded; every process has to ask for them."""
        module = self._accelerator.unwrap_model(self._model, keep_fp32_wrapper=False).trunk
        return {name: value.numpy() for name, value in full_state(module).items()}

    def trunk(self) -> nn.Module:
        """The tuned encoder, as it was before accelerate wrapped it."""
        model = self._accelerator.unwrap_model(self._model, keep_fp32_wrapper=False)
        self._plain_layers()
        return self._part.trunk(model.trunk.cpu().eval())


def _slower(at: Progress, step: int, loss: float) -> Progress:
    """Where training goes on after a loss that is NaN or infinite."""
    said = f"fine-tuning: the loss of step {step + 1} is not a finite number ({loss})"
    if at.slowed == _SLOWED:
        raise StageError(
            f"{said}, at an eighth of training.learning_rate too; set a lower training.learning_rate, "
            'training.precision = "float32", or training.mode = "probe", which trains no encoder'
        )
    log.warning("%s; training goes back to step %d, at half the learning rate", said, len(at.losses))
    return replace(at, slowed=at.slowed + 1)
