"""Start the processes of one fine-tuning, follow them, and end them all when one ends.

They are started as modules, not by multiprocessing, which would run the flow's file again in each. Work and results go
through pipes. They meet by a file, and gloo and NCCL listen on the loopback alone: no port of this machine is open to
another. A process whose starter is gone ends at once, and a collective that waits too long fails.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch

from tilth.errors import ConfigError, StageError
from tilth.progress import report
from tilth.store import unfinished_prefix
from tilth.training.trainer.config import TrainerConfig

if TYPE_CHECKING:
    from tilth.training.trainer.sharding import Shards

log = logging.getLogger(__name__)

WORKER = "tilth.training.trainer.worker"
_GRACE = 3.0
"""Seconds in which the others may say what became of them, once one process ended: the first to end is not always the
first to be heard."""
_LINES = 5


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every process is handed.

    Attributes:
        work: what each does of it, by its place among the processes.
        processes, tensor_parallel: how many there are, and how many of them share a layer's products.
        device: the type of a torch device.
        threads: of each process.
        meeting: the file by which they find each other.
    """

    work: Callable[[Shards], Result]
    processes: int
    tensor_parallel: int
    device: str
    threads: int
    meeting: Path


@dataclass(frozen=True, kw_only=True)
class Result:
    """What fine-tuning ended with.

    Attributes:
        weights: of the trained module, by name.
        losses: one a step.
        facts: for `run.json`.
    """

    weights: dict[str, np.ndarray]
    losses: list[float]
    facts: dict[str, Any]


def check_processes(config: TrainerConfig, device: str, rows: int) -> None:
    """Refuse more processes than there is work or hardware for.

    Args:
        config: `[training]`.
        device: by PyTorch's name.
        rows: that are trained on.

    Raises:
        ConfigError: there are too many, or they cannot be had with another setting.
    """
    shards = config.processes // config.tensor_parallel
    said = f"training.processes = {config.processes}"
    if shards > min(rows, config.batch_size):
        what = f"{rows} row(s) to train on" if rows < config.batch_size else f"{config.batch_size} rows in a batch"
        raise ConfigError(
            f"{said} needs a row of each batch for each of {shards} shards, and there are {what}; set "
            f"training.processes = {min(rows, config.batch_size) * config.tensor_parallel} or less"
        )
    if device.startswith("cuda") and torch.cuda.device_count() < config.processes:
        raise ConfigError(
            f"{said}, and PyTorch finds {torch.cuda.device_count()} CUDA device(s), one for each process; set as many"
        )
    if not device.startswith(("cuda", "cpu")):
        raise ConfigError(f"{said} is for CUDA devices and the processor, not {device}; set 1")
    for name in ("compile", "int8_products"):
        if getattr(config, name) == "always":
            raise ConfigError(f'{said} does not go with training.{name} = "always"; set "auto", or one process')


def train_in_processes(
    work: Callable[[Shards], Result], config: TrainerConfig, device: str, scratch: Path | None = None
) -> Result:
    """Fine-tune in several processes of this machine.

    Args:
        work: what each process does; it goes through a pipe.
        config: `[training]`.
        device: by PyTorch's name.
        scratch: where the processes meet, in a folder that is removed after; None is the system's.

    Raises:
        StageError: a process died, or failed.
        ConfigError: a process refused the config.
    """
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=unfinished_prefix(), dir=scratch) as folder:
        job = Job(
            work=work,
            processes=config.processes,
            tensor_parallel=config.tensor_parallel,
            device=device.partition(":")[0],
            threads=max(1, torch.get_num_threads() // config.processes),
            meeting=Path(folder) / "meeting",
        )
        with _started(job, Path(folder)) as workers:
            return _follow(workers)


@dataclass(kw_only=True)
class _Worker:
    """A process, this end of its pipe, and where its errors are written."""

    rank: int
    process: subprocess.Popen[bytes]
    pipe: connection.Connection
    errors: Path
    failure: BaseException | None = None

    def why(self) -> str:
        """Why it ended."""
        code = self.process.poll()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ", as the system does where memory is not enough" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
        if self.failure is not None:
            return f"failed: {type(self.failure).__name__}: {self.failure}"
        lines = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LINES:]
        return f"ended with status {code}: {' / '.join(lines) or 'it wrote nothing'}"


@contextlib.contextmanager
def _started(job: Job, folder: Path) -> Iterator[list[_Worker]]:
    """The processes at work; none of them is left after the block."""
    content = pickle.dumps(job)
    workers: list[_Worker] = []
    try:
        for rank in range(job.processes):
            workers.append(_start(rank, job, folder))
        for worker in workers:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died; whoever follows it says so
                worker.pipe.send_bytes(content)
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in workers:
            worker.process.wait()


def _start(rank: int, job: Job, folder: Path) -> _Worker:
    near, far = connection.Pipe()
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    environment = os.environ | {
        "GLOO_SOCKET_IFNAME": loopback,
        "NCCL_SOCKET_IFNAME": loopback,
        "OMP_NUM_THREADS": str(job.threads),
    }
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):  # accelerate, too, goes by them
        environment.pop(name, None)
    errors = folder / f"{rank}.txt"
    stream: IO[bytes]
    with errors.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER, str(far.fileno()), str(rank)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            pass_fds=(far.fileno(),),
        )
    far.close()
    return _Worker(rank=rank, process=process, pipe=near, errors=errors)


def _follow(workers: Sequence[_Worker]) -> Result:
    """Hand on what the first process reports until it has the result; raise where any ended before."""
    while True:
        for pipe in connection.wait([worker.pipe for worker in workers]):
            worker = next(one for one in workers if one.pipe is pipe)
            try:
                kind, content = worker.pipe.recv()
            except (EOFError, OSError):
                kind, content = "failed", None
            if kind == "done":
                return content
            if kind == "progress":
                report(*content)
            elif kind == "log":
                log.log(*content)
            elif kind == "failed":
                worker.failure = content
                raise _error(workers, worker)


def _error(workers: Sequence[_Worker], first: _Worker) -> Exception:
    """What to say of processes of which one ended: what was raised on purpose, else how the one that began it died."""
    until = time.monotonic() + _GRACE
    while time.monotonic() < until and not any((worker.process.poll() or 0) < 0 for worker in workers):
        time.sleep(0.05)
        if isinstance(first.failure, (ConfigError, StageError)):
            return first.failure
    killed = [worker for worker in workers if (worker.process.poll() or 0) < 0]
    worker = (killed or [first])[0]
    return StageError(
        f"fine-tuning: process {worker.rank + 1} of {len(workers)} {worker.why()}; the others were ended. Run "
        "the night again with --from training: it goes on from the last checkpoint"
    )
