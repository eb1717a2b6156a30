"""What fine-tuning goes on from after it was killed: weights, the optimizer's sums and the random state, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tilth.errors import DamagedFileError
from tilth.store import atomic, read_json, write_json

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
        self.tensors |= {f"{_MODEL}{name}": value.detach().clone() for name, value in model.state_dict().items()}
        for place, sums in optimizer.state_dict()["state"].items():
            self.tensors |= {f"{_MOMENT}{place}/{name}": value.detach().clone() for name, value in sums.items()}
        self.tensors |= {f"{_BEST}{name}": value for name, value in best.items()}

    def restore(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, torch.Tensor] | None = None
    ) -> None:
        """Set a module, its optimizer, and in place the best weights back to the copy."""
        if best is not None:
            best.clear()
            best |= {name[len(_BEST) :]: value for name, value in self.tensors.items() if name.startswith(_BEST)}
        model.load_state_dict({name[len(_MODEL) :]: v for name, v in self.tensors.items() if name.startswith(_MODEL)})
        sums: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in self.tensors.items():
            if name.startswith(_MOMENT):
                place, _, key = name[len(_MOMENT) :].partition("/")
                sums.setdefault(int(place), {})[key] = value.clone()
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
    shapes = {f"{_MODEL}{name}": value.shape for name, value in model.state_dict().items()}
    if _RANDOM not in tensors or any(name not in tensors or tensors[name].shape != shapes[name] for name in shapes):
        return None
    if progress.scores and not any(name.startswith(_BEST) for name in tensors):
        return None
    snapshot = Snapshot.__new__(Snapshot)
    snapshot.tensors = tensors
    snapshot.restore(model, optimizer, best)
    return progress
