"""Workers of Dask, for real: the same vectors and the same tables, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from pandas.testing import assert_frame_equal

from tests.command_line import PATIENCE, new_workspace, until
from tests.end_to_end.conftest import Night
from tilth import engine
from tilth.config import EngineConfig
from tilth.errors import TilthError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(2400),  # two nights at most, of 15 minutes at most
    pytest.mark.skipif(find_spec("prefect_dask") is None, reason='needs the extra: pip install "tilth[engine]"'),
]

FLOWS = Path(__file__).parents[2] / "flows"


@pytest.fixture(scope="module")
def flow_engine() -> Iterator[Any]:
    """The module `engine` of the flows."""
    sys.path.insert(0, str(FLOWS))
    try:
        import engine as found

        yield found
    finally:
        sys.path.remove(str(FLOWS))


def slowly(block: Sequence[int], factor: int) -> tuple[list[int], int]:
    time.sleep(0.3)
    return [one * factor for one in block], os.getpid()


def refusing(block: int, _: object) -> int:
    if block == 2:
        raise TilthError("block 2 is not to be computed")
    return block


def ending(block: int, _: object) -> int:
    os._exit(1)  # as the system ends a process that has taken all memory


BLOCKS = [[number, number + 1] for number in range(12)]
RESULTS = [[number * 10, number * 10 + 10] for number in range(12)]


def test_a_lost_worker_is_said_and_its_blocks_come_from_another(
    flow_engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with flow_engine._task_runner(EngineConfig(runner="dask", workers=2)) as runner:
        blocks = flow_engine.DaskBlocks(runner)
        results = blocks.map_blocks(slowly, BLOCKS, 10)
        found = [next(results)]
        workers = runner.client.run(os.getpid)
        os.kill(next(iter(workers.values())), signal.SIGKILL)
        found += results
    assert [values for values, _ in found] == RESULTS
    assert os.getpid() not in {process for _, process in found}
    assert blocks.record()["lost"] == [next(iter(workers))]
    assert f"worker {next(iter(workers))} is gone; what it had under way is computed again" in caplog.text


def test_a_cluster_that_ends_leaves_the_rest_to_this_process(
    flow_engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    address = EngineConfig(runner="dask", address=cluster.scheduler_address)
    engine.check_engine(address)
    with flow_engine._task_runner(address) as runner:
        blocks = flow_engine.DaskBlocks(runner)
        blocks.connect()
        results = blocks.map_blocks(slowly, BLOCKS, 10)
        found = [next(results)]
        cluster.close()
        found += results
    assert [values for values, _ in found] == RESULTS
    assert os.getpid() != found[0][1]
    assert os.getpid() == found[-1][1]
    assert "the engine ended: " in caplog.text


def test_what_a_block_raises_is_raised_here(flow_engine: Any) -> None:
    with flow_engine._task_runner(EngineConfig(runner="dask", workers=1)) as runner:
        results = flow_engine.DaskBlocks(runner).map_blocks(refusing, range(4), None)
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(TilthError, match="block 2 is not to be computed"):
            next(results)


def test_a_block_that_ends_its_workers_ends_the_night_with_the_reason(flow_engine: Any) -> None:
    with flow_engine._task_runner(EngineConfig(runner="dask", workers=1)) as runner:
        results = flow_engine.DaskBlocks(runner).map_blocks(ending, range(1), None)
        with pytest.raises(TilthError, match=r"a block ended one worker after another .* give engine.workers a"):
            next(results)


def test_workers_that_fail_to_start_are_started_again_and_then_done_without(
    flow_engine: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        address = None

        @property
        def client(self) -> Any:
            raise RuntimeError("Nanny failed to start.")

    blocks = flow_engine.DaskBlocks(Failing())
    assert list(blocks.map_blocks(refusing, [0, 1], None)) == [0, 1]  # by this process
    assert "the workers are started again: RuntimeError: Nanny failed to start." in caplog.text
    assert "the engine ended: its workers do not start (RuntimeError: Nanny failed to start.)" in caplog.text


def test_workers_with_other_code_are_refused(flow_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        address = EngineConfig(runner="dask", address=cluster.scheduler_address)
        with flow_engine._task_runner(address) as runner:
            blocks = flow_engine.DaskBlocks(runner)
            runner.client  # noqa: B018 - connects
            here = engine.code_and_libraries()
            remote = {"tcp://w:1": {**here, "numpy": "1.0"}}
            monkeypatch.setattr(runner.client, "run", lambda _: remote)
            with pytest.raises(TilthError, match="worker tcp://w:1 would compute something else: numpy there differ"):
                blocks.connect()


LONG = 900.0
"""Seconds for a night on a machine that others keep busy."""


def table(run: Path, stage: str) -> pd.DataFrame:
    return pd.read_parquet(run / f"{stage}.parquet")


ENGINE = ("--set", "engine.runner=dask", "--set", "engine.workers=2")


def test_two_workers_make_the_same_tables(night: Night, tmp_path: Path) -> None:
    assert "engine" not in night.record
    workspace = new_workspace(tmp_path / "workspace")
    done = workspace("run", *ENGINE, timeout=LONG)
    assert done.returncode == 0, done.stderr
    record = workspace.record()["engine"]
    assert (record["workers"], record["lost"], record["ended"]) == (2, [], None)
    assert record["blocks"] >= 2 + 1 + 2  # of texts to encode, of sources to draw from, of rows for the model
    for stage in ("1-cleaning", "3-augmentation", "5-training"):
        assert_frame_equal(table(workspace.runs[-1], stage), table(night.run, stage), atol=1e-4, rtol=0)
    until(lambda: not workspace.processes(), 20, "workers are left behind")


def test_a_worker_killed_in_mid_night_changes_no_table(night: Night, tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path / "workspace")
    started = workspace.start("run", *ENGINE, "--to", "cleaning")  # its encoding is what is interrupted

    def worker() -> int | None:
        processes = psutil.Process(started.pid).children(recursive=True)
        at_work = [one for one in processes if "spawn_main" in " ".join(one.cmdline()) and one.cpu_times().user > 2]
        return at_work[0].pid if at_work else None

    os.kill(until(worker, 300, "no worker began"), signal.SIGKILL)
    _, said = started.communicate(timeout=LONG * PATIENCE)
    assert started.returncode == 0, said
    lost = workspace.record()["engine"]["lost"]  # empty where it died before it was known, or after its last block
    assert ("is gone; what it had under way is computed again" in said) == bool(lost)
    assert_frame_equal(table(workspace.runs[-1], "1-cleaning"), table(night.run, "1-cleaning"), atol=1e-4, rtol=0)
