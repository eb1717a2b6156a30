"""Workers for the blocks of a night: Prefect's task runner on Dask, where `[engine]` asks for it.

Blocks are plain functions on the task runner's own client, and no task runs of Prefect's: a million rows would be
thousands of those, and each worker would have to reach Prefect's server, which a night need not have.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth import engine
from tilth.config import EngineConfig
from tilth.errors import TilthError
from tilth.store import Run

if TYPE_CHECKING:
    from distributed import Future
    from prefect_dask import DaskTaskRunner

log = logging.getLogger("tilth.flows")

_AHEAD = 3
"""Blocks that a worker has at hand, so that none waits for the night's own process."""
_LOOK = 1.0
"""Seconds between two looks at the workers while a block is waited for."""
_PATIENCE = 30.0
"""Seconds without any worker after which the night's own process takes over; a lost one is replaced within ten."""
_CONNECT = 10.0
"""Seconds that a scheduler may take to greet us."""
_PATIENT = {"distributed.scheduler.worker-ttl": None, "distributed.comm.timeouts.tcp": "300s"}
"""Dask's own scheduler runs in the night's process, which may be busy for minutes: no worker is lost for that."""
_STARTS = 2
"""Times that workers of our own are started, for one may be killed before it is there."""


@contextlib.contextmanager
def running(run: str) -> Iterator[None]:
    """Within the block the night's blocks go to the workers that its config asks for; elsewhere nothing changes.

    Raises:
        TilthError: nobody who speaks Dask's language answers at `engine.address`, or its workers differ from us.
    """
    record = Run(Path(run)).record
    config = EngineConfig.model_validate(record.get("config", {}).get("engine", {}))
    if config.runner is None:
        yield
        return
    import dask

    with dask.config.set(_PATIENT), _task_runner(config) as runner:
        workers = DaskBlocks(runner)
        if config.address:
            workers.connect()
        with engine.computed_by(workers):
            try:
                yield
            finally:
                Run(Path(run)).update(engine=workers.record())


def _task_runner(config: EngineConfig) -> DaskTaskRunner:
    """Prefect's task runner for a cluster that runs, or for workers of our own, which start with the first block."""
    from prefect_dask import DaskTaskRunner

    client = {"timeout": _CONNECT}
    if config.address:
        return DaskTaskRunner(address=config.address, client_kwargs=client)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": config.workers or cores or 1,
            "threads_per_worker": 1,
            "processes": True,
            "memory_limit": None,  # Dask would end a worker at its share of the memory, which the model may need
            "dashboard_address": "127.0.0.1:0",  # a free port, for two nights may run
            "security": True,  # on a machine of many users, who could have a worker run code
            "silence_logs": logging.CRITICAL,
        },
        client_kwargs=client,
    )


class DaskBlocks:
    """Blocks on the workers of a Dask cluster, and in this process once the cluster is gone.

    A block whose worker is lost is computed again by another one; that is Dask's own doing, which is said here.
    """

    def __init__(self, runner: DaskTaskRunner) -> None:
        self._runner = runner
        self._workers: set[str] = set()
        self._most = 0
        self._blocks = 0
        self._lost: list[str] = []
        self._ended: str | None = None
        self._seen = time.monotonic()
        """When there was a worker last."""

    def record(self) -> dict[str, Any]:
        """What `run.json` says of the workers."""
        return {"workers": self._most, "blocks": self._blocks, "lost": self._lost, "ended": self._ended}

    def connect(self) -> None:
        """See that the workers are there and compute the same as we do.

        Raises:
            TilthError: they are not, or do not.
        """
        address = self._runner.address
        try:
            answers = self._runner.client.run(engine.code_and_libraries)
        except Exception as error:  # of whatever kind: something else listens there, or a worker cannot load tilth
            raise TilthError(
                f'engine.address = "{address}" cannot be used ({type(error).__name__}: {error}); expected the address '
                "of a Dask scheduler whose workers have this very tilth installed"
            ) from error
        if not answers:
            raise TilthError(
                f'engine.address = "{address}": the scheduler has no worker; start one: dask worker {address}'
            )
        own = engine.code_and_libraries()
        for worker, there in sorted(answers.items()):
            if others := sorted(name for name in {**own, **there} if own.get(name) != there.get(name)):
                raise TilthError(
                    f"worker {worker} would compute something else: {', '.join(others)} there differ from here; "
                    "install the same versions on each worker, and on the machine that runs the night"
                )

    def map_blocks(self, function: Callable[[Any, Any], Any], blocks: Iterable[Any], shared: Any) -> Iterator[Any]:
        """Results of the blocks in their order; a few blocks for each worker are under way at once."""
        waiting: deque[tuple[Callable[[], Any], Future | None]] = deque()
        loaded: Future | None = None
        for block in blocks:
            # On each worker once: a task of its own, so that Dask makes it again where it is lost.
            if loaded is None and self._ended is None:
                loaded = self._submit(engine.Packed, engine.Packed.of(shared).data)
            call = functools.partial(engine.compute_block, function, block)
            future = self._submit(call, loaded) if loaded is not None else None
            self._blocks += future is not None
            waiting.append((functools.partial(function, block, shared), future))
            if len(waiting) >= _AHEAD * max(self._most, 1):
                yield self._result(*waiting.popleft())
        while waiting:
            yield self._result(*waiting.popleft())
        if self._ended is None and self._most:
            self._look()

    def _submit(self, call: Callable[[Any], Any], argument: Any) -> Future | None:
        """Start a call on some worker; None where there is none any more."""
        if not self._most:
            self._look()  # which starts the workers
        if self._ended is not None:
            return None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # a model, once
            return self._runner.client.submit(call, argument, pure=False, retries=1)

    def _result(self, call: Callable[[], Any], future: Future | None) -> Any:
        """What a block comes to; computed here where the cluster has ended before it could."""
        import distributed

        while future is not None and self._ended is None and not future.done():
            with contextlib.suppress(TimeoutError, CancelledError):
                future.exception(timeout=_LOOK)  # which it returns, and does not raise
            self._look()
        if future is None or not future.done() or future.status in ("cancelled", "lost"):
            self._end("its connection was lost")
            return call()
        error = future.exception()
        if isinstance(error, distributed.scheduler.KilledWorker):
            raise TilthError(
                f"a block ended one worker after another ({error}); each may lack memory: give engine.workers a "
                "smaller number, or the cluster larger workers"
            ) from error
        return future.result()

    def _look(self) -> None:
        """See which workers there are, say which have gone, and give up on a cluster that has had none for long."""
        try:
            now = set(self._client().scheduler_info(n_workers=-1)["workers"])
        except Exception as error:  # of whatever kind: the scheduler is another process, often on another machine
            what = "its scheduler is gone" if self._most else "its workers do not start"
            self._end(f"{what} ({type(error).__name__}: {error})")
            return
        for worker in sorted(self._workers - now):
            self._lost.append(worker)
            log.warning("worker %s is gone; what it had under way is computed again by another one", worker)
        self._workers, self._most = now, max(self._most, len(now))
        if now:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > _PATIENCE:
            self._end(f"it had no worker for {_PATIENCE:.0f} s")

    def _client(self) -> Any:
        """Dask's client, which starts workers of our own where there are none yet."""
        for _ in range(0 if self._most or self._runner.address else _STARTS - 1):
            try:
                return self._runner.client
            except Exception as error:  # of whatever kind; the cluster that failed has been closed
                log.warning("the workers are started again: %s: %s", type(error).__name__, error)
        return self._runner.client

    def _end(self, why: str) -> None:
        if self._ended is None:
            self._ended = why
            log.warning("the engine ended: %s; what is left is computed by the night's own process", why)
