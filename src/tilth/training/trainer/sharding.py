"""One model over several processes: its weights sharded (FSDP2), and the products of a layer shared (tensor parallel).

Data shards take turns in the rows of a batch. Each computes the loss of the whole batch, from its own rows' vectors and
from those that the others send, so that every objective is the same as in one process, contrasts between rows too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

from tilth.errors import ConfigError

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

_DATA, _TENSOR = "dp_shard", "tp"  # accelerate's names

_BERT = {
    "attention.self.query": "columns",
    "attention.self.key": "columns",
    "attention.self.value": "columns",
    "attention.output.dense": "rows",
    "intermediate.dense": "columns",
    "output.dense": "rows",
}
_DISTILBERT = {
    "attention.q_lin": "columns",
    "attention.k_lin": "columns",
    "attention.v_lin": "columns",
    "attention.out_lin": "rows",
    "ffn.lin1": "columns",
    "ffn.lin2": "rows",
}
TENSOR_PARALLEL: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("bert", "camembert", "electra", "roberta", "xlm-roberta"), _BERT),
    "distilbert": _DISTILBERT,
}
"""For each of transformers' model types, how the products of a layer are shared: heads and inner units by columns, what
is added up after them by rows (Shoeybi et al. 2019), which costs two sums over the processes a layer and direction."""


@dataclass(frozen=True)
class Shards:
    """The processes of one fine-tuning, as a grid of data shards times tensor parallel ones."""

    mesh: DeviceMesh

    @classmethod
    def of(cls, processes: int, tensor_parallel: int, device: str) -> Shards:
        """Accelerate's grid of all processes of the group.

        Args:
            processes: in all.
            tensor_parallel: those that share a layer's products.
            device: the type of a torch device.
        """
        from accelerate import ParallelismConfig

        config = ParallelismConfig(dp_shard_size=processes // tensor_parallel, tp_size=tensor_parallel)
        return cls(config.build_device_mesh(device))

    @property
    def data(self) -> int:
        """Data shards."""
        return self.mesh[_DATA].size() if _DATA in self._names else 1

    @property
    def place(self) -> int:
        """Which data shard this process is of."""
        return self.mesh[_DATA].get_local_rank() if _DATA in self._names else 0

    @property
    def processes(self) -> int:
        """All of them."""
        return self.mesh.size()

    @property
    def rank(self) -> int:
        """Which process this is."""
        return self.mesh.get_rank()

    def first_says(self, answer: bool) -> bool:
        """What the first process says, in each."""
        flag = torch.tensor(int(answer), device=self.mesh.device_type)
        distributed.broadcast(flag, 0)
        return bool(flag)

    def all_say(self, answer: bool) -> bool:
        """Whether all processes say so, in each."""
        flag = torch.tensor(int(answer), device=self.mesh.device_type)
        distributed.all_reduce(flag, distributed.ReduceOp.MIN)
        return bool(flag)

    def wait(self) -> None:
        """Until all processes are here."""
        self.all_say(True)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.mesh.mesh_dim_names or ()

    def shard(self, model: nn.Module) -> None:
        """Shard a model that every process holds whole, in place; each layer is gathered while it is computed."""
        from torch.distributed.fsdp import fully_shard
        from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

        styles = {"columns": ColwiseParallel, "rows": RowwiseParallel}
        layers = [layer for parts in model.modules() if isinstance(parts, nn.ModuleList) for layer in parts]
        layers = [layer for layer in layers if sum(1 for _ in layer.parameters()) > 2]  # heads are of two
        if _TENSOR in self._names:
            config = next((part.config for part in model.modules() if hasattr(part, "config")), None)
            plan = _plan(config, self.mesh[_TENSOR].size())
            for layer in layers:
                parallelize_module(layer, self.mesh[_TENSOR], {name: styles[style]() for name, style in plan.items()})
        if _DATA in self._names:
            tables = [part for name, part in model.named_modules() if name.endswith(".embeddings")]
            for part in (*layers, *tables, model):
                fully_shard(part, mesh=self.mesh[_DATA])

    def rows(self, rows: Sequence[int]) -> list[int]:
        """This process's rows of a batch; as many in each shard, by repeating the first, which `gather` leaves out."""
        most = -(-len(rows) // self.data)
        own = list(rows[self.place :: self.data])
        return own + [rows[0]] * (most - len(own))

    def gather(self, values: torch.Tensor, count: int) -> torch.Tensor:
        """All rows of a batch, in its order, from each shard's own; gradients flow to this shard's alone.

        Args:
            values: shape (own rows, dimensions).
            count: rows of the batch.
        """
        if self.data == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.data)]
        distributed.all_gather(parts, values.detach().contiguous(), group=self.mesh[_DATA].get_group())
        parts[self.place] = values
        return torch.stack(parts, dim=1).flatten(0, 1)[:count]


def local(tensor: torch.Tensor) -> torch.Tensor:
    """What this process holds of a tensor."""
    own: torch.Tensor = tensor.to_local() if _is_sharded(tensor) else tensor
    return own


def local_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What this process holds of a model's weights: a copy."""
    return {name: local(value).detach().clone() for name, value in model.state_dict().items()}


def set_local_state(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Set what this process holds of a model's weights."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            local(value).copy_(tensors[name])


def like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """A tensor that is sharded as a parameter is, from what this process holds of it."""
    if not _is_sharded(parameter) or value.ndim == 0:
        return value
    from torch.distributed.tensor import DTensor

    return DTensor.from_local(
        value,
        parameter.device_mesh,
        parameter.placements,
        run_check=False,
        shape=parameter.shape,
        stride=parameter.stride(),
    )


def full_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """All weights, on the processor; every process has to ask for them."""
    return {
        name: (value.full_tensor() if _is_sharded(value) else value).detach().cpu()
        for name, value in model.state_dict().items()
    }


def _is_sharded(tensor: torch.Tensor) -> bool:
    return hasattr(tensor, "device_mesh")  # a DTensor; its module is a second to load


def check_tensor_parallel(folder: Path, processes: int) -> None:
    """Refuse an encoder whose layers so many processes cannot share, by its config alone.

    Args:
        folder: the encoder's files.
        processes: `training.tensor_parallel`.

    Raises:
        ConfigError: there is no plan for its type, or its attention heads are not to be divided by that number.
    """
    from transformers import AutoConfig

    _plan(AutoConfig.from_pretrained(folder), processes)


def _plan(config: Any, processes: int) -> Mapping[str, str]:
    kind = str(getattr(config, "model_type", "unknown"))
    if kind not in TENSOR_PARALLEL:
        raise ConfigError(
            f"training.tensor_parallel = {processes} has a plan for {', '.join(TENSOR_PARALLEL)}, and the encoder is "
            f'of the type "{kind}"; set training.tensor_parallel = 1, which shards it all the same'
        )
    heads = int(getattr(config, "num_attention_heads", processes))
    if heads % processes:
        raise ConfigError(
            f"training.tensor_parallel = {processes}, and the encoder's {heads} attention heads are not to be divided "
            f"by it; set a number that divides {heads}"
        )
    return TENSOR_PARALLEL[kind]
