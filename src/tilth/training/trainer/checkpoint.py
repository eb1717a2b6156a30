"""What fine-tuning goes on from after it was killed: weights, the optimizer's sums and the random state, no pickle."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tilth.errors import DamagedFileError, StageError
from tilth.store import atomic, read_json, write_json
from tilth.training.trainer.sharding import Shards, like, local, local_state, set_local_state

SECONDS = 60.0
"""Between two checkpoints: a killed night loses at most so much of its fine-tuning. Results do not depend on it."""
REST = 9.0
"""Times as long as the last one took, at the least: on a disk that is slow or busy a tenth of the time goes to them."""

_WEIGHTS, _STATE = "state.safetensors", "steps.json"
_MODEL, _MOMENT, _BEST, _RANDOM = "model/", "optimizer/", "best/", "random"


@dataclass(frozen=True)
class Progress:
    """How far fine-tuning is.

    Attributes:
        losses: of each step that is done.
        slowed: how often the learning rate was halved.
        scores: of the held-out rows, as often as they were measured.
    """

    losses: list[float]
    slowed: int = 0
    scores: list[float] = field(default_factory=list)


EMPTY: Mapping[str, torch.Tensor] = {}


class Snapshot:
    """A copy of all that the next step depends on.

    Args:
        model: the trained module.
        optimizer: its optimizer.
        best: the weights that measured best so far; empty before the first measure. They are not copied: whoever
            finds better ones makes new tensors.
    """

    def __init__(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, best: Mapping[str, torch.Tensor] = EMPTY
    ) -> None:
        self.tensors = {_RANDOM: torch.get_rng_state()}
        self.tensors |= {f"{_MODEL}{name}": value for name, value in local_state(model).items()}
        for place, sums in optimizer.state_dict()["state"].items():
            self.tensors |= {f"{_MOMENT}{place}/{name}": local(value).detach().clone() for name, value in sums.items()}
        self.tensors |= {f"{_BEST}{name}": value for name, value in best.items()}

    def restore(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, torch.Tensor] | None = None
    ) -> None:
        """Set a module, its optimizer, and in place the best weights back to the copy."""
        if best is not None:
            best.clear()
            best |= {name[len(_BEST) :]: value for name, value in self.tensors.items() if name.startswith(_BEST)}
        set_local_state(model, {name[len(_MODEL) :]: v for name, v in self.tensors.items() if name.startswith(_MODEL)})
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        sums: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in self.tensors.items():
            if name.startswith(_MOMENT):
                place, _, key = name[len(_MOMENT) :].partition("/")
                sums.setdefault(int(place), {})[key] = like(parameters[int(place)], value.clone())
        optimizer.load_state_dict({**optimizer.state_dict(), "state": sums})
        torch.set_rng_state(self.tensors[_RANDOM].cpu())


def save(folder: Path, snapshot: Snapshot, progress: Progress) -> None:
    """Write a checkpoint in the place of the last one, whole or not at all."""
    with atomic(folder) as unfinished:
        unfinished.mkdir()
        save_file({name: value.contiguous().cpu() for name, value in snapshot.tensors.items()}, unfinished / _WEIGHTS)
        write_json(
            unfinished / _STATE, {"losses": progress.losses, "slowed": progress.slowed, "scores": progress.scores}
        )


def load(
    folder: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor] | None = None,
) -> Progress | None:
    """Set a module and its optimizer to a checkpoint; None where there is none that is whole."""
    try:
        state: dict[str, Any] = read_json(folder / _STATE)
        tensors = load_file(folder / _WEIGHTS)
        losses, scores = ([float(value) for value in state[name]] for name in ("losses", "scores"))
        progress = Progress(losses, int(state["slowed"]), scores)
    except (OSError, ValueError, KeyError, DamagedFileError, SafetensorError):
        return None
    shapes = {f"{_MODEL}{name}": local(value).shape for name, value in model.state_dict().items()}
    if _RANDOM not in tensors or any(name not in tensors or tensors[name].shape != shapes[name] for name in shapes):
        return None
    if progress.scores and not any(name.startswith(_BEST) for name in tensors):
        return None
    snapshot = Snapshot.__new__(Snapshot)
    snapshot.tensors = tensors
    snapshot.restore(model, optimizer, best)
    return progress


class Checkpoints:
    """The checkpoint of a run, in the place of the last one; of several processes each writes what it holds.

    Args:
        folder: where it is kept; None keeps nothing.
        shards: the processes; None is one alone.
    """

    def __init__(self, folder: Path | None, shards: Shards | None) -> None:
        self._folder, self._shards, self._written, self._took = folder, shards, time.monotonic(), 0.0

    def due(self) -> bool:
        """Whether it is time for another: in all processes where it is in the first."""
        if self._folder is None:
            return False
        due = time.monotonic() - self._written >= max(SECONDS, REST * self._took)
        return due if self._shards is None else self._shards.first_says(due)

    def save(self, snapshot: Snapshot, progress: Progress) -> None:
        """Write what this process holds. The last one stays until all processes have written."""
        assert self._folder is not None
        begun = time.monotonic()
        if self._shards is None:
            save(self._folder, snapshot, progress)
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            save(self._folder / f"{len(progress.losses)}-{self._shards.rank}", snapshot, progress)
            self._shards.wait()
            for old in self._folder.glob(f"*-{self._shards.rank}"):
                if old.name != f"{len(progress.losses)}-{self._shards.rank}":
                    shutil.rmtree(old, ignore_errors=True)
        self._written = time.monotonic()
        self._took = self._written - begun

    def load(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, torch.Tensor]
    ) -> Progress | None:
        """Set a module and its optimizer to the newest checkpoint that all processes have; None where there is none.

        Raises:
            StageError: some process finds its part of it damaged.
        """
        if self._folder is None:
            return None
        if self._shards is None:
            return load(self._folder, model, optimizer, best)
        steps = self._newest(self._folder, self._shards)
        if steps is None:
            return None
        progress = load(self._folder / f"{steps}-{self._shards.rank}", model, optimizer, best)
        if not self._shards.all_say(progress is not None):
            shutil.rmtree(self._folder, ignore_errors=True)
            raise StageError("fine-tuning: its checkpoint was damaged, and is removed; run the night again")
        return progress

    @staticmethod
    def _newest(folder: Path, shards: Shards) -> int | None:
        steps = [
            {
                int(path.name.partition("-")[0])
                for path in folder.glob(f"*-{rank}")
                if path.name.partition("-")[0].isdigit()
            }
            for rank in range(shards.processes)
        ]
        return max(set.intersection(*steps), default=None)
