"""Seconds and memory of a training step, by precision, gradient checkpointing and sharding.

    python benchmarks/precision_memory.py

Each line is a step of AdamW in fresh processes: forward, backward, and the weights. The trunks are of the default
encoder's and of BERT-base's size, and the default model of pictures (all layers, normalizations with fixed statistics,
as the trainer has it), with random weights, for neither time nor memory depends on their values. Time is the
processor's (all threads), as a ratio to float32 in the same run; memory is the largest resident size that a process
reached beyond what it had before the model was made. Rows for a GPU are run where PyTorch finds one. What precision
costs in quality is told by the loss after a few steps from the same start; a score after a whole training was not run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import _results
import psutil
import torch
from scaling_model import BERT, MINILM, Layers
from torch import nn

from tilth.learn.pictures.efficientnet_lite import DIMENSIONS, SIZE, EfficientNetLite0
from tilth.training.inputs.config import Config
from tilth.training.trainer.precision import Computation, prepare_layers
from tilth.training.trainer.processes import Result, train_in_processes
from tilth.training.trainer.sharding import Shards

AIMS = "a GPU: 3.2 times as fast, 45% less memory, 65% less with checkpointing, 40% less sharded, under 0.3% loss"
PICTURES, ROWS_OF_PICTURES = "the default model of pictures", 4
_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Pictures(nn.Module):
    """The default model of pictures with random weights, and a linear layer of 77 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = EfficientNetLite0().to(memory_format=torch.channels_last), nn.Linear(DIMENSIONS, 77)

    def train(self, mode: bool = True) -> Pictures:
        """Normalizations keep their statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels to logits."""
        return self.head(self.trunk(pixels).float())


@dataclass(frozen=True)
class Line:
    """What one line measures; as a work of several processes, their part of it."""

    size: str
    precision: str = "float32"
    checkpointing: bool = False
    processes: int = 1
    means: str = ""  # "compile" or "int8_products"
    device: str = "cpu"
    rows: int = 16
    tokens: int = 64
    steps: int = 3

    def __call__(self, shards: Shards) -> Result:
        """Of one of several processes."""
        return Result(weights={}, losses=[], facts=self.measure(shards))

    def measure(self, shards: Shards | None = None) -> dict[str, float]:
        """Seconds a step after the first, bytes, and the last loss."""
        before = _resident(self.device)
        torch.manual_seed(0)
        model = Pictures() if self.size == PICTURES else Layers(self.size)
        model.train()
        if self.checkpointing:
            model.trunk.gradient_checkpointing_enable()
        computation = Computation(precision=self.precision, **dict.fromkeys(filter(None, [self.means]), True))
        prepare_layers(model.trunk, computation)
        if shards is not None:
            shards.shard(model)
        model.to(self.device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=False)
        scaler = torch.amp.GradScaler(self.device, enabled=self.precision == "float16")
        generator = torch.Generator().manual_seed(1)
        places = range(self.rows)[shards.place :: shards.data] if shards else range(self.rows)
        spent, loss = 0.0, torch.zeros(())
        for step in range(self.steps + 1):
            values = self._values(generator)[list(places)].to(self.device)
            codes = torch.arange(self.rows)[list(places)].to(self.device) % 77
            started = _seconds(self.device)
            with torch.autocast(self.device, _DTYPES[self.precision], enabled=self.precision != "float32"):
                logits = model(values)
            loss = nn.functional.cross_entropy(logits.float(), codes)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            spent += (_seconds(self.device) - started) * (step > 0)
        if shards is not None:  # of all rows, as in one process
            loss = shards.gather(loss.detach().view(1, 1), shards.data).mean()
        return {"seconds": spent / self.steps, "bytes": _peak(self.device) - before, "loss": float(loss.detach())}

    def _values(self, generator: torch.Generator) -> torch.Tensor:
        """What a step reads: token ids, or pixels."""
        if self.size == PICTURES:
            return torch.randn((self.rows, 3, SIZE, SIZE), generator=generator)
        return torch.randint(1000, (self.rows, self.tokens), generator=generator)

    def run(self) -> dict[str, float]:
        """In fresh processes."""
        if self.processes > 1:
            import precision_memory  # under the name by which the processes find it

            work = precision_memory.Line(**asdict(self))
            return train_in_processes(work, Config(processes=self.processes), self.device).facts
        command = [sys.executable, __file__, "--line", json.dumps(asdict(self))]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def _seconds(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _resident(device: str) -> int:
    return 0 if device == "cuda" else psutil.Process().memory_info().rss


def _peak(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def lines(device: str, sizes: list[str]) -> list[Line]:
    """All lines of a device, float32 first for each trunk."""
    found = []
    for size in sizes:
        base = Line(
            size, device=device, steps=1 if size == BERT else 3, rows=ROWS_OF_PICTURES if size == PICTURES else 16
        )
        found += [base, replace(base, checkpointing=True)]
        found += [replace(base, precision="bfloat16"), replace(base, precision="bfloat16", checkpointing=True)]
        if device == "cuda":
            found += [replace(base, precision="float16"), replace(base, precision="float16", checkpointing=True)]
        if size == PICTURES:  # the trainer trains it in one process, and it has no linear layer
            continue
        found += [replace(base, processes=2), replace(base, precision="bfloat16", checkpointing=True, processes=2)]
        if size == MINILM:
            found += [replace(base, means="int8_products"), replace(base, means="compile")]
    return found


def row(line: Line, base: dict[str, float], until: float) -> tuple[list[object], dict[str, float] | None]:
    """A line of the table, and what was measured; nothing of a line that would begin too late."""
    named = [line.size, line.precision, "yes" if line.checkpointing else "", line.processes, line.means]
    if line.device == "cuda" and torch.cuda.device_count() < line.processes:
        return [*named, *["not run: no such device"] * 4], None
    if time.monotonic() > until:
        return [*named, *["not run: out of time"] * 4], None
    found = line.run()
    base = base or found
    per, first = found["seconds"], base["seconds"]
    memory = f"{found['bytes'] / 1e6:.0f} ({found['bytes'] / base['bytes'] - 1:+.0%})"
    return [*named, f"{per:.2f}", f"{first / per:.2f}", memory, f"{found['loss'] / base['loss'] - 1:+.2%}"], found


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=[MINILM, BERT, PICTURES])
    parser.add_argument("--minutes", type=float, default=60, help="lines that would begin later are not run")
    parser.add_argument("--line", help="of one fresh process: what it measures, as JSON")
    arguments = parser.parse_args()
    if arguments.line:
        print(json.dumps(Line(**json.loads(arguments.line)).measure()))
        return
    here = str(Path(__file__).resolve().parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    tables, started = [], time.monotonic()
    for device in ("cpu", "cuda"):
        rows, base, size = [], {}, ""
        for line in lines(device, arguments.sizes) if device == "cpu" or torch.cuda.is_available() else ():
            base = base if line.size == size else {}
            cells, found = row(line, base, started + 60 * arguments.minutes)
            base, size = base or found or {}, line.size
            rows.append(cells)
            print(cells, flush=True)
        columns = ("trunk", "precision", "checkpointing", "processes", "by", "seconds a step and process",
                   "times as fast", "MB a process", "loss after these steps")  # fmt: skip
        tables.append(_results.table(columns, rows) if rows else "Not run: PyTorch finds no CUDA device here.")
    named = " ".join(f'"{size}"' for size in arguments.sizes)
    _results.write(
        "precision_memory",
        f"""# Precision, memory and time of a training step

    python benchmarks/precision_memory.py --sizes {named} --minutes {arguments.minutes:g}

{__doc__.partition("precision_memory.py")[2].strip()}

## Processor

16 rows of 64 tokens in a step, or {ROWS_OF_PICTURES} pictures of {SIZE} pixels a side; of two processes each takes half
of them, so that its seconds are of half the rows.
float16 is not run: the trainer refuses it on a processor.

{tables[0]}

## GPU

The aims are for {AIMS}.

{tables[1]}

{_results.machine()}, two cores that other work shared.
""",
    )


if __name__ == "__main__":
    main()
