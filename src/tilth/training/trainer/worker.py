"""One of several processes of a fine-tuning; `processes` starts it and says what to do through a pipe."""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
from datetime import timedelta
from multiprocessing import connection

import torch
from torch import distributed

from tilth.errors import TilthError
from tilth.progress import listening
from tilth.training.trainer.processes import Job, Result

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others: much longer than a step takes, even where the first one compiles kernels."""


class _Handed(logging.Handler):
    """Hands what is logged to the starter."""

    def __init__(self, pipe: connection.Connection) -> None:
        super().__init__(logging.INFO)
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Send level and text."""
        self._pipe.send(("log", (record.levelno, "%s", record.getMessage())))


def main(pipe: connection.Connection, rank: int) -> None:
    """Take part in a fine-tuning; the first process sends the result."""
    job: Job = pickle.loads(pipe.recv_bytes())  # noqa: S301 - of the process that started this one
    threading.Thread(target=_end_with_starter, args=(pipe,), daemon=True).start()
    torch.set_num_threads(job.threads)
    try:
        if rank == 0:
            logging.getLogger("tilth").addHandler(_Handed(pipe))
            with listening(lambda *done: pipe.send(("progress", done))):
                content = _train(job, rank)
            pipe.send(("done", content))
        else:
            _train(job, rank)
        threading.Event().wait()  # the starter ends it, once it has read the result
    except TilthError as error:
        pipe.send(("failed", error))
        raise


def _train(job: Job, rank: int) -> Result:
    from tilth.training.trainer.sharding import Shards

    if job.device == "cuda":
        torch.cuda.set_device(rank)
    store = distributed.FileStore(str(job.meeting), job.processes)
    backend = "nccl" if job.device == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=job.processes, timeout=PATIENCE)
    return job.work(Shards.of(job.processes, job.tensor_parallel, job.device))


def _end_with_starter(pipe: connection.Connection) -> None:
    """Nothing comes through the pipe any more but its end."""
    try:
        while True:
            pipe.poll(None)
            pipe.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


if __name__ == "__main__":
    main(connection.Connection(int(sys.argv[1])), int(sys.argv[2]))
