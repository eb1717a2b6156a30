"""Fine-tune an encoder, in this process or in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tilth.devices import on_device, resolve_device
from tilth.errors import ConfigError
from tilth.training.heads import Head
from tilth.training.trainer.batches import TuningRows
from tilth.training.trainer.checkpoint import Progress
from tilth.training.trainer.config import TrainerConfig
from tilth.training.trainer.loop import Run
from tilth.training.trainer.model import AllLayers, TrainedPart
from tilth.training.trainer.objectives import CLASSIFY, Objective
from tilth.training.trainer.precision import Computation, accelerate_name, computing_by, resolve_computation
from tilth.training.trainer.processes import Result, check_processes, train_in_processes

if TYPE_CHECKING:
    from accelerate import Accelerator

    from tilth.training.trainer.sharding import Shards


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A fine-tuned encoder.

    Attributes:
        trunk: in evaluation mode, on the processor; of texts a `Trunk`.
        losses: one a step.
        facts: where and in which precision it was trained, and what happened, for `run.json`.
    """

    trunk: Any
    losses: Sequence[float]
    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Tuning:
    """What is fine-tuned, how, and by what; see `tune`."""

    folder: Path
    rows: TuningRows
    heads: Sequence[Head]
    config: TrainerConfig
    seed: int
    checkpoints: Path | None
    part: TrainedPart | None
    objective: Objective

    @property
    def device(self) -> str:
        """By PyTorch's name."""
        return resolve_device(self.config.device, "training.device")

    def train(self, shards: Shards | None = None) -> tuple[Run, Progress, dict[str, Any]]:
        """The run that is done, how far it came, and what happened; of one of several processes its part of it."""
        computation = resolve_computation(self.config, self.device)
        with torch.random.fork_rng(), on_device(self.device), computing_by(computation):
            torch.manual_seed(self.seed)
            part = self.part or AllLayers(self.folder, self.rows.texts, self.config.max_tokens, self.config.head)
            accelerator = _accelerator(self.config, self.device, computation)
            run = Run(
                part, self.objective, self.rows, self.heads, self.config, self.seed, accelerator, computation, shards
            )
            progress = run.resume(self.checkpoints)
            resumed = len(progress.losses)
            progress = run.train(progress)
        facts = {"device": self.device, "head": self.config.head, **computation.facts}
        if shards is not None:
            facts |= {"processes": self.config.processes, "tensor_parallel": self.config.tensor_parallel}
        facts |= {"steps": len(progress.losses), "halved_rate": progress.slowed}
        return run, progress, {**facts, "resumed_at": resumed, **run.stopping.facts(progress)}

    def __call__(self, shards: Shards) -> Result:
        """The part of one of several processes; the result is the same in each."""
        run, progress, facts = self.train(shards)
        return Result(weights=run.weights(), losses=progress.losses, facts=facts)


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

    AdamW with a linear warmup and decay, and batches of rows of like length. A loss that is NaN or infinite takes the
    weights back to the last copy and halves the learning rate. Where rows are held out, the weights that predict them
    best are the result, and training ends early where later ones do no better.

    Args:
        folder: the encoder's model folder.
        training_rows: texts, classes and weights.
        heads: fitted heads on the embedding alone (none uses its parent), one a task in the order of `codes`.
        config: steps, rate, batch size, device and precision.
        seed: of the order of rows and of dropout.
        checkpoints: a folder of what a killed run of the same rows, config and seed goes on from, to the same weights
            where dropout is drawn on the processor; whoever asks removes it in the end. None keeps nothing.
        part: the layers that are trained, which read `training_rows.texts`; None is the whole encoder.
        objective: what is made smaller, by which rows.

    Raises:
        ConfigError: there is no such device, it does not compute in the precision, or there is no work for so many
            processes.
        StageError: the loss is not a finite number at any rate, the memory is not enough, or a process died.
    """
    tuning = _Tuning(
        folder=folder,
        rows=training_rows,
        heads=heads,
        config=config,
        seed=seed,
        checkpoints=checkpoints,
        part=part,
        objective=objective,
    )
    if config.processes == 1:
        run, progress, facts = tuning.train()
        return Tuned(trunk=run.trunk(), losses=progress.losses, facts=facts)
    check_processes(config, tuning.device, int((~training_rows.measured).sum()))
    scratch = checkpoints.parent if checkpoints is not None else None
    result = train_in_processes(tuning, config, tuning.device, scratch)
    whole = part or AllLayers(folder, [], config.max_tokens, config.head)
    whole.module.load_state_dict({name: torch.from_numpy(value) for name, value in result.weights.items()})
    return Tuned(trunk=whole.trunk(whole.module.eval()), losses=result.losses, facts=result.facts)


def _accelerator(config: TrainerConfig, device: str, computation: Computation) -> Accelerator:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    # One process holds one state, made by whoever came first; another precision or device needs a new one.
    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState._reset_state()
    accelerator = Accelerator(
        cpu=device == "cpu",
        mixed_precision=accelerate_name(computation.precision),
        gradient_accumulation_steps=config.accumulate,
        step_scheduler_with_optimizer=False,
    )
    if accelerator.device.type != torch.device(device).type:  # it takes the first type that it finds
        raise ConfigError(
            f'training.device = "{device}", and accelerate finds "{accelerator.device}" before it; set '
            f'training.device = "{accelerator.device.type}" or "cpu"'
        )
    return accelerator
