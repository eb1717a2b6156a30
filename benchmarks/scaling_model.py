"""The bytes that one step of several processes moves, counted, and a model of the cost on many devices built on them.

    python benchmarks/scaling_model.py

**Counted**, with PyTorch's CommDebugMode: every collective of one step (forward, backward, the norm of the gradients,
AdamW) on 2 and 4 processes of this machine, the bytes of its tensors, and over which processes it goes. Sharding and
tensor parallelism are the trainer's own; plain data parallelism is PyTorch's DistributedDataParallel. The trunks are
the default encoder and one of BERT-base's size with random weights: what is moved does not depend on their values.

**Modeled**, and no measurement: a ring moves (n - 1) / n of the bytes to gather or to scatter, twice that to sum.
Devices stand in nodes of 8. Each has a link to the others of its node and one to other nodes, a collective waits once
for each doubling of the processes, and what data parallelism moves is hidden behind the computing up to two thirds of
it. Tensor parallelism (4 to a group, within a node) hides nothing. Efficiency is the time of computing alone by the
time of the step, with the same rows a device however many there are.
"""

from __future__ import annotations

import argparse
import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _results
import torch
from torch import distributed, nn
from torch.distributed.tensor.debug import CommDebugMode

from tilth.training.inputs.config import Config
from tilth.training.trainer.processes import Result, train_in_processes
from tilth.training.trainer.sharding import Shards

BERT = "BERT-base's size"
MINILM = "the default encoder"
ROWS, TOKENS = 8, 32
NODE, TENSOR = 8, 4
"""Devices of a node, and of a tensor parallel group: both trunks have 12 heads, which 8 does not divide."""
WITHIN, BETWEEN, WAIT = 450e9, 50e9, 10e-6
"""Bytes a second of a device's link in its node and to others (NVLink 4, 400 Gb/s InfiniBand), and seconds."""
SPEED, DEVICE_TOKENS = 400e12, 16_384
"""Operations a second that a device reaches in bfloat16, and tokens of a device in one step (128 rows of 128)."""
HIDDEN = 2 / 3
_OPERATIONS = {"allreduce": 2, "all_reduce": 2, "gather": 1, "scatter": 1, "broadcast": 1}


class Moved(CommDebugMode):
    """Beside how many collectives there are, the bytes of each: those of the larger side, which all hold in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes: Counter[tuple[tuple[int, ...], int]] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = self.get_total_counts()
        found = super().__torch_dispatch__(func, types, args, kwargs)
        if self.get_total_counts() > before:
            times = next(times for name, times in _OPERATIONS.items() if name in str(func))
            group = _group([*args, *(kwargs or {}).values()])
            self.bytes[tuple(distributed.get_process_group_ranks(group)), times] += max(_size(args), _size(found))
        return found


def _group(values: list[Any]) -> Any:
    for value in values:
        if isinstance(value, torch.ScriptObject) and "ProcessGroup" in str(value._type()):
            return distributed.ProcessGroup.unbox(value)
        if isinstance(value, str) and value not in ("sum", "avg", "max", "min"):
            return distributed.distributed_c10d._resolve_process_group(value)
    raise ValueError(f"no process group among {values}")


def _size(value: Any) -> int:
    """Bytes of the largest tensor, or list of tensors, in what a collective takes or gives."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, torch.Tensor) for one in value):
        return sum(map(_size, value))
    return max(map(_size, value), default=0) if isinstance(value, (list, tuple)) else 0


class Layers(nn.Module):
    """A trunk without its pooling, and a head of 77 classes."""

    def __init__(self, size: str) -> None:
        from transformers import BertConfig, BertModel

        super().__init__()
        sizes = {
            BERT: {},
            MINILM: {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
        }[size]
        self.trunk = BertModel(BertConfig(**sizes, attn_implementation="eager"), add_pooling_layer=False)
        self.head = nn.Linear(self.trunk.config.hidden_size, 77)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits, shape (rows, 77)."""
        return self.head(self.trunk(input_ids=ids).last_hidden_state.mean(1))


@dataclass(frozen=True)
class Step:
    """One step of training, counted; what a process of `train_in_processes` does."""

    size: str
    plain: bool

    def __call__(self, shards: Shards) -> Result:
        """The step of one process."""
        torch.manual_seed(0)
        model: nn.Module = Layers(self.size)
        total = sum(parameter.numel() for parameter in model.parameters())
        if self.plain:
            from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

            model = nn.parallel.DistributedDataParallel(model)
            model.register_comm_hook(None, allreduce_hook)  # its own sums are below what a mode sees
        else:
            shards.shard(model)
        optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
        ids = torch.randint(1000, (ROWS, TOKENS), generator=torch.Generator().manual_seed(shards.place))
        with Moved() as moved:
            logits = model(ids)
            logits = logits if self.plain else shards.gather(logits, ROWS * shards.data)
            nn.functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long)).backward()
            optimizer.step()
        groups = {_dimension(ranks, shards): 0 for ranks, _ in moved.bytes}
        ring = dict(groups)
        for (ranks, times), size in moved.bytes.items():
            groups[_dimension(ranks, shards)] += times * size
            ring[_dimension(ranks, shards)] += round(times * size * (len(ranks) - 1) / len(ranks))
        facts = {"passes": groups, "sent": ring, "collectives": moved.get_total_counts(), "parameters": total}
        return Result(weights={}, losses=[], facts=facts)


def _dimension(ranks: tuple[int, ...], shards: Shards) -> str:
    neighbors = len(ranks) > 1 and ranks[1] - ranks[0] == 1 and len(ranks) < shards.processes
    alone = len(ranks) == shards.processes and shards.data == 1
    return "tensor" if neighbors or alone else "data"


WAYS = {
    "plain data parallelism": (True, 1),
    "sharded (FSDP2)": (False, 1),
    "2D (sharded, tensor parallel 2)": (False, 2),
}


def count(size: str) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Each way's step on 2 and 4 processes."""
    import scaling_model  # under the name by which the processes find it

    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for way, (plain, tensor) in WAYS.items():
        for processes in (2, 4):
            if tensor == 1 or processes == 4:
                config = Config(processes=processes, tensor_parallel=tensor)
                found[way, processes] = train_in_processes(scaling_model.Step(size, plain), config, "cpu").facts
                print(size, way, processes, found[way, processes], flush=True)
    return found


def counted_table(size: str, found: Mapping[tuple[str, int], Mapping[str, Any]]) -> list[list[object]]:
    """A line a way and number of processes."""
    rows: list[list[object]] = []
    for (way, processes), facts in found.items():
        sent = {name: facts["sent"].get(name, 0) / 1e6 for name in ("data", "tensor")}
        base = sum(found["plain data parallelism", processes]["sent"].values()) / 1e6
        total = sum(sent.values())
        rows.append(
            [size, way, processes, f"{sent['data']:.1f}", f"{sent['tensor']:.1f}", f"{total / base - 1:+.0%}",
             facts["collectives"]]
        )  # fmt: skip
    return rows


@dataclass(frozen=True)
class Passes:
    """Bytes that go round a ring once in a step (a sum goes round twice), from the counts.

    Attributes:
        plain: of plain data parallelism.
        whole: of sharding: what every tensor parallel process holds of its own, whole.
        shared: of sharding: what these processes hold a part each of.
        tensor: of tensor parallelism, of a token.
        parameters: of the trunk.
        collectives: of plain and sharded data parallelism, and of 2D.
    """

    plain: float
    whole: float
    shared: float
    tensor: float
    parameters: int
    collectives: tuple[int, int, int]

    @classmethod
    def of(cls, found: Mapping[tuple[str, int], Mapping[str, Any]]) -> Passes:
        """By the counts on four processes; what is shared by two there, is shared by `TENSOR` in the model."""
        plain, sharded, both = (found[way, 4] for way in WAYS)
        one, half = sharded["passes"]["data"], both["passes"]["data"]
        return cls(
            plain=plain["passes"]["data"],
            shared=2 * (one - half),
            whole=one - 2 * (one - half),
            tensor=both["passes"]["tensor"] / (ROWS * TOKENS),
            parameters=plain["parameters"],
            collectives=(plain["collectives"], sharded["collectives"], both["collectives"]),
        )


def model(passes: Passes, devices: int) -> dict[str, tuple[float, float, float]]:
    """For each way: bytes between nodes (of one node, rings that know the nodes; that do not), and the efficiency."""
    nodes = devices / NODE
    computing = 6 * passes.parameters * DEVICE_TOKENS / SPEED
    found = {}
    for place, (way, payload, tensor) in enumerate(
        (
            ("plain data parallelism", passes.plain, 1),
            ("sharded (FSDP2)", passes.whole + passes.shared, 1),
            (f"2D (sharded, tensor parallel {TENSOR})", passes.whole + passes.shared / TENSOR, TENSOR),
        )
    ):
        shards = devices / tensor
        aware = tensor * payload * (nodes - 1) / nodes
        unaware = NODE * payload * (shards - 1) / shards if nodes > 1 else 0.0
        own = payload * (shards - 1) / shards
        data = own / WITHIN + aware / NODE / BETWEEN
        waits = passes.collectives[place] * WAIT * math.log2(max(shards, 2))
        activations = passes.tensor * DEVICE_TOKENS * tensor if tensor > 1 else 0.0
        exposed = activations * (tensor - 1) / tensor / WITHIN
        step = computing + exposed + max(0.0, data + waits - HIDDEN * computing)
        found[way] = (aware, unaware, computing / step)
    return found


def modeled_table(size: str, passes: Passes) -> list[list[object]]:
    """A line a number of devices and way."""
    rows: list[list[object]] = []
    for devices in (8, 16, 32, 64, 128, 256, 512, 1024):
        found = model(passes, devices)
        base = found["plain data parallelism"]
        for way, (aware, unaware, efficiency) in found.items():
            saved = [
                f"{1 - one / two:+.0%}" if two else "–" for one, two in zip((aware, unaware), base[:2], strict=True)
            ]
            rows.append(
                [size, devices, way, f"{aware / 1e6:.0f}", *saved, f"{efficiency:.0%}",
                 "yes" if efficiency >= 0.92 else "no"]
            )  # fmt: skip
    return rows


def main() -> None:
    """Count, model, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=[MINILM, BERT])
    sizes = parser.parse_args().sizes
    here = str(Path(__file__).resolve().parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    counted, modeled = [], []
    for size in sizes:
        found = count(size)
        counted += counted_table(size, found)
        modeled += modeled_table(size, Passes.of(found))
    columns = (
        "trunk",
        "way",
        "processes",
        "MB sent a step and process: data",
        "tensor",
        "against plain",
        "collectives",
    )
    devices = (
        "trunk", "devices", "way", "MB a node sends to others a step", "saved against plain, both know the nodes",
        "neither does", "efficiency", "92%",
    )  # fmt: skip
    named = " ".join(f'"{size}"' for size in sizes)
    others = [size for size in (MINILM, BERT) if size not in sizes]
    left_out = f"Not run, for want of time: {', '.join(others)}." if others else ""
    _results.write(
        "scaling_model",
        f"""# What several processes move a step, and what that would cost on many devices

    python benchmarks/scaling_model.py --sizes {named}

## Counted, by PyTorch's CommDebugMode

One step, {ROWS} rows of {TOKENS} tokens a shard, float32, over gloo. A ring's bytes: a gather or a scatter of S bytes
sends (n - 1) / n S, a sum twice that. Sharding alone moves more than plain data parallelism: weights are gathered
forward and backward and gradients scattered, three passes for two. Tensor parallelism adds the sums of activations,
which grow with the tokens of a step.

{_results.table(columns, counted)}

{left_out}

## A model, not a measurement: 8 to 1,024 devices

Assumed: nodes of {NODE} devices; {WITHIN / 1e9:.0f} GB/s a device within a node and {BETWEEN / 1e9:.0f} GB/s to others
(as NVLink 4 and 400 Gb/s InfiniBand); {WAIT * 1e6:.0f} µs a collective and doubling of the processes;
{SPEED / 1e12:.0f} TFLOP/s reached in bfloat16; {DEVICE_TOKENS:,} tokens a device and step. Two thirds of the computing
hide what data parallelism moves, and nothing hides tensor parallelism, of {TENSOR} devices in one node. Weights and
gradients move in float32, as counted. The aims: 92% efficiency, and 67% fewer bytes between nodes by 2D than by plain
data parallelism.

**Against rings that know the nodes, 2D saves none**: each of a node's tensor parallel processes gathers what it does
not share (the embeddings) for itself, and sharding takes three passes for plain's two. It saves only where rings do not
know the nodes, so that every device sends all its bytes to another node.

{_results.table(devices, modeled)}

{_results.machine()}, two cores.
""",
    )


if __name__ == "__main__":
    main()
